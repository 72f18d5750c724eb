import type { ElementType } from "../types.ts";

const FORMATS = {
  F64: { bits: 53, lowest: -1074, highest: 1023 },
  F32: { bits: 24, lowest: -149, highest: 127 },
  F16: { bits: 11, lowest: -24, highest: 15 },
  BF16: { bits: 8, lowest: -133, highest: 127 },
} as const;

/** Σ weights[k] · values[k] / divisor in whole numbers, rounded once to nearest, ties to even: by definition, without any floating-point sum. */
export function exactReference(values: readonly number[], weights: readonly number[], divisor: number, type: ElementType): number {
  let sum = 0n;
  let negativeZero = true;
  for (const [k, value] of values.entries()) {
    if (!Number.isFinite(value)) return Number.NaN;
    sum += units(value) * units(weights[k]!);
    negativeZero &&= Object.is(value * weights[k]!, -0);
  }
  if (sum === 0n) return negativeZero ? -0 : 0;
  const { bits, lowest, highest } = FORMATS[type];
  // sum is in 2^-2148, the divisor in 2^-1074: the quotient is in units of the type's lowest bit after a shift.
  const numerator = sum < 0n ? -sum : sum;
  const denominator = units(divisor) << BigInt(1074 + lowest);
  let shift = 0;
  let quotient = numerator / denominator;
  while (quotient >> BigInt(bits + shift) > 0n) shift++;
  const unit = denominator << BigInt(shift);
  quotient = numerator / unit;
  const rest = 2n * (numerator - quotient * unit);
  if (rest > unit || (rest === unit && (quotient & 1n) === 1n)) quotient += 1n;
  const tooLarge = quotient.toString(2).length + shift + lowest > highest + 1;
  const magnitude = tooLarge ? Number.POSITIVE_INFINITY : Number(quotient) * 2 ** (shift + lowest);
  return sum < 0n ? -magnitude : magnitude;
}

/** A double in units of 2^-1074. */
function units(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const word = view.getBigUint64(0);
  const exponent = word >> 52n;
  const fraction = word & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}
