import type { ElementType } from "./types.ts";

/** Types as assembly/types.ts numbers them. */
export const typeNumber: { readonly [type in ElementType]: number } = { F64: 0, F32: 1, F16: 2, BF16: 3 };

/** Throws RangeError unless there are inputs, not too many, and a factor for each. */
export function checkCount(inputs: readonly number[], factors: readonly number[], most: number): void {
  if (inputs.length < 1 || inputs.length > most) throw new RangeError(`expected 1 to ${most} inputs, got ${inputs.length}`);
  if (factors.length !== inputs.length)
    throw new RangeError(`expected ${inputs.length} weights, one for each input, got ${factors.length}`);
}

/** Throws RangeError unless a divisor is a positive number. */
export function checkDivisor(divisor: number): void {
  if (!(divisor > 0 && divisor < Number.POSITIVE_INFINITY)) throw new RangeError(`expected a positive divisor, got ${divisor}`);
}
