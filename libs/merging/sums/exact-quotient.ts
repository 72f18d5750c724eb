import type { NarrowDtype } from "#libs/tensors";

/** Bits of the significand, the exponent of the smallest number, and the first power of two that is too large. */
const FORMATS = {
  F64: { bits: 53, lowest: -1074, end: 1024 },
  F32: { bits: 24, lowest: -149, end: 128 },
  F16: { bits: 11, lowest: -24, end: 16 },
  BF16: { bits: 8, lowest: -133, end: 128 },
} as const;

/** Σ numerator / Σ divisor without any error, rounded once to a type: to nearest, ties to even. The divisor is not zero. +0 for a sum of zero. */
export function exactQuotient(numerator: readonly number[], divisor: readonly number[], type: NarrowDtype): number {
  let [above, below] = [sumOf(numerator), sumOf(divisor)];
  if (above === 0n) return 0;
  const negative = above < 0n !== below < 0n;
  if (above < 0n) above = -above;
  if (below < 0n) below = -below;
  const { bits, lowest, end } = FORMATS[type];
  // above / below is at least 2^(lengthOf(above) - lengthOf(below) - 1): one bit more than it may need, and never fewer.
  const exponent = Math.max(lowest, lengthOf(above) - lengthOf(below) - bits);
  if (exponent >= 0) below <<= BigInt(exponent);
  else above <<= BigInt(-exponent);
  let kept = above / below;
  const rest = above - kept * below;
  let shift = exponent;
  if (lengthOf(kept) > bits) {
    const odd = kept & 1n;
    kept >>= 1n;
    shift += 1;
    if (odd === 1n && (rest > 0n || (kept & 1n) === 1n)) kept += 1n;
  } else {
    const twice = 2n * rest;
    if (twice > below || (twice === below && (kept & 1n) === 1n)) kept += 1n;
  }
  const magnitude = Number(kept) * 2 ** shift;
  const rounded = magnitude >= 2 ** end ? Number.POSITIVE_INFINITY : magnitude;
  return negative ? -rounded : rounded;
}

function lengthOf(value: bigint): number {
  return value.toString(2).length;
}

function sumOf(values: readonly number[]): bigint {
  return values.reduce((sum, value) => sum + toUnits(value), 0n);
}

const view = new DataView(new ArrayBuffer(8));

/** A double in units of 2^-1074. */
function toUnits(value: number): bigint {
  view.setFloat64(0, value);
  const word = view.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const fraction = word & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}
