import type { ElementType } from "./types.ts";

/** Bits of the significand of each type, with the hidden one. */
export const SIGNIFICAND: { readonly [type in ElementType]: number } = { F64: 53, F32: 24, F16: 11, BF16: 8 };

/** True where the product of the weight and any element of the type is a double: nothing is lost. */
export function exactWeight(weight: number, type: ElementType): boolean {
  const bits = significantBits(weight);
  return bits <= 1 ? type !== "F64" || Math.abs(weight) === 1 || weight === 0 : bits + SIGNIFICAND[type] <= 53;
}

/** How many bits lie between the highest and the lowest that is set in a finite double, both counted; 0 for 0. */
export function significantBits(value: number): number {
  return value === 0 ? 0 : exponentOf(value) - lowestBit(value) + 1;
}

/** The exponent of the lowest bit that is set in a finite double other than 0. */
export function lowestBit(value: number): number {
  const { exponent, significand } = parts(value);
  return exponent + trailingZeros(significand);
}

/** The exponent of the highest bit of a finite double other than 0. */
export function exponentOf(value: number): number {
  const { exponent, significand } = parts(value);
  return exponent + significand.toString(2).length - 1;
}

const float = new Float64Array(1);
const pattern = new BigUint64Array(float.buffer);

/** |value| = significand · 2^exponent. */
function parts(value: number): { readonly exponent: number; readonly significand: bigint } {
  float[0] = value;
  const field = Number((pattern[0]! >> 52n) & 0x7ffn);
  const fraction = pattern[0]! & 0xfffffffffffffn;
  return field === 0 ? { exponent: -1074, significand: fraction } : { exponent: field - 1075, significand: fraction | (1n << 52n) };
}

function trailingZeros(value: bigint): number {
  let zeros = 0;
  for (let rest = value; (rest & 1n) === 0n; rest >>= 1n) zeros++;
  return zeros;
}
