/** A type that results are rounded to. */
export type FloatType = "F64" | "F32" | "F16" | "BF16";

// Doubles are whole multiples of 2^-1074. Units of products and of the divisor's cancel to these.
const UNIT_EXPONENT = -1074;

/** Bits of the significand, exponent of the smallest number above zero, and the power of two that is too large. */
const FORMATS = {
  F64: { bits: 53, least: -1074, limit: Number.POSITIVE_INFINITY },
  F32: { bits: 24, least: -149, limit: 2 ** 128 },
  F16: { bits: 11, least: -24, limit: 2 ** 16 },
  BF16: { bits: 8, least: -133, limit: 2 ** 128 },
} as const;

/**
 * Σ weights[k] · values[k] / divisor, computed without any error and rounded once to a type: to nearest, ties to even; infinite where
 * that is too large. NaN where a value is not finite. `divisor` is a finite number above zero, or the exact sum of the weights.
 * Throws RangeError where that sum is zero. Slow (microseconds a number): for the few numbers that f64 cannot decide.
 * @example
 * ```ts
 * exactMean([1e308, 1e308], [1, 1], 2, "F64"); // 1e308
 * exactMean([1, 1e100, -1e100], [1, 1, 1], "sum", "F64"); // 1 / 3
 * exactMean([2048, 2050], [1, 1], 2, "F16"); // 2048
 * ```
 */
export function exactMean(values: ArrayLike<number>, weights: readonly number[], divisor: number | "sum", type: FloatType = "F32"): number {
  const parts = divisor === "sum" ? sumInUnits(weights) : toUnits(divisor);
  if (parts === 0n) throw new RangeError("the divisor of a mean is zero");
  // A negative divisor is a positive one with the opposite weights.
  const sign = parts < 0n ? -1 : 1;
  let sum = 0n;
  let negativeZero = true;
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) return Number.NaN;
    const weight = sign * weights[k]!;
    sum += toUnits(values[k]!) * toUnits(weight);
    negativeZero &&= Object.is(values[k]! * weight, -0);
  }
  // As in IEEE 754, a sum of zeros is negative only if they all are.
  if (sum === 0n) return negativeZero ? -0 : 0;
  const magnitude = roundQuotient(sum < 0n ? -sum : sum, parts < 0n ? -parts : parts, type);
  return sum < 0n ? -magnitude : magnitude;
}

/** The exact sum of doubles in units of 2^-1074. */
export function sumInUnits(values: readonly number[]): bigint {
  return values.reduce((total, value) => total + toUnits(value), 0n);
}

/** A double in units of 2^-1074. */
export function toUnits(value: number): bigint {
  scratch.setFloat64(0, value);
  const word = scratch.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const fraction = word & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

const scratch = new DataView(new ArrayBuffer(8));

/** numerator / denominator in units of 2^-1074, both positive, rounded once. */
function roundQuotient(numerator: bigint, denominator: bigint, type: FloatType): number {
  const { bits, least, limit } = FORMATS[type];
  const shift = least - UNIT_EXPONENT;
  const base = denominator << BigInt(shift);
  const dropped = Math.max(0, (numerator / base).toString(2).length - bits);
  const unit = base << BigInt(dropped);
  const kept = numerator / unit;
  const twice = 2n * (numerator - kept * unit);
  const up = twice > unit || (twice === unit && (kept & 1n) === 1n);
  // At most 2^bits of them, so the product is exact, or too large for a double.
  const rounded = Number(up ? kept + 1n : kept) * 2 ** (least + dropped);
  return rounded >= limit ? Number.POSITIVE_INFINITY : rounded;
}
