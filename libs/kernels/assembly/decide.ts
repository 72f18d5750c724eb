import { loadOne } from "./load";
import { patternOf, writeOne } from "./round";
import { F64, sizeOf } from "./types";

// One element of a mean, as libs/kernels/twins/mean.ts does it and says why, step for step.

const LARGEST_TERM: f64 = reinterpret<f64>(<u64>(1023 + 500) << 52);
const SMALLEST_TERM: f64 = reinterpret<f64>(<u64>(1023 - 500) << 52);
const HALF_ULP: f64 = reinterpret<f64>(<u64>(1023 - 53) << 52);
const SPLITTER: f64 = 134217729.0;

@inline export function sumError(a: f64, b: f64, sum: f64): f64 {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

@inline function upper(value: f64): f64 {
  const scaled = SPLITTER * value;
  return scaled - (scaled - value);
}

@inline function productError(a: f64, b: f64, product: f64): f64 {
  const aHigh = upper(a);
  const aLow = a - aHigh;
  const bHigh = upper(b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

@inline function odd(value: f64, above: bool): f64 {
  let bits = reinterpret<u64>(value);
  if (value > 0 != above) bits -= 1;
  return reinterpret<f64>(bits | 1);
}

/** Writes element `i` of the mean if it is proved and finite; says whether it is. */
export function decide(type: i32, inputs: usize, weights: usize, many: i32, divisor: f64, tail: f64, i: usize, outType: i32, out: usize): bool {
  const offset = i * sizeOf(type);
  let sum: f64 = 0;
  let lost: f64 = 0;
  let bound: f64 = 0;
  for (let k = 0; k < many; k++) {
    const weight = load<f64>(weights + (<usize>k << 3));
    const value = loadOne(type, load<usize>(inputs + (<usize>k << 2)) + offset);
    const term = weight * value;
    const size = abs(term);
    if (!(abs(value) <= LARGEST_TERM && size <= LARGEST_TERM)) return false;
    if (size < SMALLEST_TERM && value != 0 && weight != 0) return false;
    const next = k == 0 ? term : sum + term;
    let part = k == 0 ? 0 : sumError(sum, term, next);
    sum = next;
    let all = lost + part;
    bound += abs(sumError(lost, part, all));
    lost = all;
    part = productError(weight, value, term);
    all = lost + part;
    bound += abs(sumError(lost, part, all));
    lost = all;
  }
  const result = quotient(sum, lost, bound, divisor, tail, outType);
  if (result != result) return false;
  return writeOne(outType, out + i * sizeOf(outType), result);
}

function quotient(sum: f64, lost: f64, bound: f64, divisor: f64, tail: f64, outType: i32): f64 {
  const high = sum + lost;
  const low = sumError(sum, lost, high);
  if (high == 0) return bound == 0 ? (sum == 0 ? sum : 0) : NaN;
  const first = high / divisor;
  const product = first * divisor;
  const remainder = high - product - productError(first, divisor, product);
  const both = remainder + low;
  let restLost = abs(sumError(remainder, low, both));
  let rest = both;
  if (tail != 0) {
    const correction = first * tail;
    rest = both - correction;
    restLost += 2 * (abs(correction) + abs(rest)) * HALF_ULP;
  }
  const second = rest / divisor;
  const back = second * divisor;
  const isExact = tail == 0 && back == rest && productError(second, divisor, back) == 0;
  const q = first + second;
  const rounding = sumError(first, second, q);
  const error = 2 * ((restLost + bound) / divisor + (isExact ? 0 : abs(second) * HALF_ULP));
  if (outType == F64) {
    if (error == 0) return q;
    const step: i64 = rounding > 0 == q > 0 ? 1 : -1;
    const half = abs(reinterpret<f64>(reinterpret<i64>(q) + step) - q) / 2;
    return abs(rounding) + error < half ? q : NaN;
  }
  if (rounding - error > 0) return odd(q, true);
  if (rounding + error < 0) return odd(q, false);
  if (error == 0) return q;
  const above = odd(q, true);
  return patternOf(outType, above) == patternOf(outType, odd(q, false)) ? above : NaN;
}
