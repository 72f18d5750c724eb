// Doubles are whole multiples of 2^-1074, their products of 2^-2148; float32 values are whole multiples of 2^-149.
const DOUBLE_UNIT = 1074n;
const PRODUCT_SHIFT = 2n * DOUBLE_UNIT - 149n;
const FLOAT_BITS = 24;
const FLOAT_UNIT_EXPONENT = -149;

/**
 * Σ weights[k] · values[k] / divisor, computed without any error and rounded once to float32: to nearest, ties to even.
 * NaN where a value is not finite. `divisor` is a whole number of at least 1. Slow: for the few numbers that f64 cannot decide.
 */
export function exactMean(values: ArrayLike<number>, weights: readonly number[], divisor: number): number {
  let sum = 0n;
  let negativeZero = true;
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) return Number.NaN;
    sum += toUnits(values[k]!) * toUnits(weights[k]!);
    negativeZero &&= Object.is(values[k]! * weights[k]!, -0);
  }
  // As in IEEE 754, a sum of zeros is negative only if they all are.
  if (sum === 0n) return negativeZero ? -0 : 0;
  const magnitude = roundToFloat32(sum < 0n ? -sum : sum, BigInt(divisor) << PRODUCT_SHIFT);
  return sum < 0n ? -magnitude : magnitude;
}

/** A double in units of 2^-1074. */
function toUnits(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const fraction = word & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

/** numerator / denominator units of 2^-149, both positive, rounded to a float32. */
function roundToFloat32(numerator: bigint, denominator: bigint): number {
  const whole = (numerator / denominator).toString(2).length;
  const dropped = Math.max(0, whole - FLOAT_BITS);
  const unit = denominator << BigInt(dropped);
  const kept = numerator / unit;
  const twice = 2n * (numerator - kept * unit);
  const up = twice > unit || (twice === unit && (kept & 1n) === 1n);
  // At most 2^24 of them, so the product is exact; beyond the largest float32 it becomes infinity here.
  return Math.fround(Number(up ? kept + 1n : kept) * 2 ** (FLOAT_UNIT_EXPONENT + dropped));
}
