import { high, low } from "./load";
import { inputs } from "./mean";
import { mix, mix4 } from "./mix";

const GOLDEN: i32 = 0x9e3779b9;

// How a model is thinned out, by number.
const ALL: i32 = 0;
const CHANCE: i32 = 1;

/** What stands in the table for each model: kind, first and second number, nothing (i32 each), factor, weight (f64 each). */
const ROW: usize = 32;
export const thinnings: usize = memory.data(4096 * 32, 64);

/** Base plus the sum of factor · what stays of each model, all f32, in f64. */
export function addSparse(many: i32, base: usize, out: usize, count: usize): void {
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    const values = v128.load(base + (i << 2));
    let a = low(values);
    let b = high(values);
    for (let k = 0; k < many; k++) {
      const row = thinnings + <usize>k * ROW;
      const kept = thin(row, v128.load(load<usize>(inputs + (<usize>k << 2)) + (i << 2)), i);
      const factor = v128.load64_splat(row, 16);
      a = f64x2.add(a, f64x2.mul(low(kept), factor));
      b = f64x2.add(b, f64x2.mul(high(kept), factor));
    }
    v128.store(out + (i << 3), a);
    v128.store(out + (i << 3), b, 16);
  }
  for (let i = end; i < count; i++) {
    let sum = <f64>load<f32>(base + (i << 2));
    for (let k = 0; k < many; k++) {
      const row = thinnings + <usize>k * ROW;
      sum += load<f64>(row, 16) * thinOne(row, load<usize>(inputs + (<usize>k << 2)) + (i << 2), i);
    }
    store<f64>(out + (i << 3), sum);
  }
}

/**
 * Base plus `lambda` times the sum of those terms factor · x whose sign is that of the sum of all terms; with `normalized` over the weights of
 * the models that have such a term. A sum of zero counts as positive where `zeroIsPositive`.
 */
export function electSparse(many: i32, base: usize, out: usize, count: usize, lambda: f64, normalized: bool, zeroIsPositive: bool): void {
  const zero = f64x2.splat(0);
  const times = f64x2.splat(lambda);
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    let upA = zero;
    let upB = zero;
    let downA = zero;
    let downB = zero;
    let upWeightA = zero;
    let upWeightB = zero;
    let downWeightA = zero;
    let downWeightB = zero;
    for (let k = 0; k < many; k++) {
      const row = thinnings + <usize>k * ROW;
      const kept = thin(row, v128.load(load<usize>(inputs + (<usize>k << 2)) + (i << 2)), i);
      const factor = v128.load64_splat(row, 16);
      const weight = v128.load64_splat(row, 24);
      let term = f64x2.mul(low(kept), factor);
      upA = f64x2.add(upA, f64x2.max(term, zero));
      downA = f64x2.add(downA, f64x2.min(term, zero));
      upWeightA = f64x2.add(upWeightA, v128.and(f64x2.gt(term, zero), weight));
      downWeightA = f64x2.add(downWeightA, v128.and(f64x2.lt(term, zero), weight));
      term = f64x2.mul(high(kept), factor);
      upB = f64x2.add(upB, f64x2.max(term, zero));
      downB = f64x2.add(downB, f64x2.min(term, zero));
      upWeightB = f64x2.add(upWeightB, v128.and(f64x2.gt(term, zero), weight));
      downWeightB = f64x2.add(downWeightB, v128.and(f64x2.lt(term, zero), weight));
    }
    const values = v128.load(base + (i << 2));
    const a = elected(upA, downA, upWeightA, downWeightA, normalized, zeroIsPositive);
    const b = elected(upB, downB, upWeightB, downWeightB, normalized, zeroIsPositive);
    v128.store(out + (i << 3), f64x2.add(low(values), f64x2.mul(times, a)));
    v128.store(out + (i << 3), f64x2.add(high(values), f64x2.mul(times, b)), 16);
  }
  for (let i = end; i < count; i++) {
    let up: f64 = 0;
    let down: f64 = 0;
    let upWeight: f64 = 0;
    let downWeight: f64 = 0;
    for (let k = 0; k < many; k++) {
      const row = thinnings + <usize>k * ROW;
      const term = load<f64>(row, 16) * thinOne(row, load<usize>(inputs + (<usize>k << 2)) + (i << 2), i);
      up += max(term, 0);
      down += min(term, 0);
      if (term > 0) upWeight += load<f64>(row, 24);
      if (term < 0) downWeight += load<f64>(row, 24);
    }
    const sum = up + down;
    const isUp = sum > 0 || (sum == 0 && zeroIsPositive);
    let merged = isUp ? up : down;
    const weight = isUp ? upWeight : downWeight;
    if (normalized && weight != 0) merged /= weight;
    store<f64>(out + (i << 3), <f64>load<f32>(base + (i << 2)) + lambda * merged);
  }
}

@inline function elected(up: v128, down: v128, upWeight: v128, downWeight: v128, normalized: bool, zeroIsPositive: bool): v128 {
  const zero = f64x2.splat(0);
  const sum = f64x2.add(up, down);
  const isUp = zeroIsPositive ? f64x2.ge(sum, zero) : f64x2.gt(sum, zero);
  const merged = v128.bitselect(up, down, isUp);
  if (!normalized) return merged;
  const weight = v128.bitselect(upWeight, downWeight, isUp);
  return v128.bitselect(merged, f64x2.div(merged, weight), f64x2.eq(weight, zero));
}

/** What stays of four elements from index `i` on; zeros in place of the rest. */
@inline function thin(row: usize, values: v128, i: usize): v128 {
  const kind = load<i32>(row);
  if (kind == ALL) return values;
  if (kind == CHANCE) {
    const first = load<i32>(row, 4) + GOLDEN * <i32>i;
    const counters = i32x4.add(i32x4.splat(first), i32x4(0, GOLDEN, GOLDEN * 2, GOLDEN * 3));
    return v128.and(values, i32x4.lt_u(mix4(counters), v128.load32_splat(row, 8)));
  }
  const magnitude = v128.and(values, i32x4.splat(0x7fffffff));
  const inside = v128.and(i32x4.gt_s(magnitude, v128.load32_splat(row, 4)), i32x4.lt_s(magnitude, v128.load32_splat(row, 8)));
  return v128.and(values, inside);
}

function thinOne(row: usize, address: usize, i: usize): f64 {
  const kind = load<i32>(row);
  const value = <f64>load<f32>(address);
  if (kind == ALL) return value;
  if (kind == CHANCE) return mix(<u32>(load<i32>(row, 4) + GOLDEN * <i32>i)) < load<u32>(row, 8) ? value : 0;
  const magnitude = load<i32>(address) & 0x7fffffff;
  return magnitude > load<i32>(row, 4) && magnitude < load<i32>(row, 8) ? value : 0;
}

/** Four sums of all magnitudes, by the index modulo 4, and four of those that stay. */
export const magnitudes: usize = memory.data(64, 64);

/** Adds up magnitudes of f32, thinned out as the first row of the table says. */
export function sumMagnitudes(values: usize, count: usize): void {
  let allA = f64x2.splat(0);
  let allB = allA;
  let keptA = allA;
  let keptB = allA;
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    const x = f32x4.abs(v128.load(values + (i << 2)));
    const kept = thin(thinnings, x, i);
    allA = f64x2.add(allA, low(x));
    allB = f64x2.add(allB, high(x));
    keptA = f64x2.add(keptA, low(kept));
    keptB = f64x2.add(keptB, high(kept));
  }
  v128.store(magnitudes, allA);
  v128.store(magnitudes, allB, 16);
  v128.store(magnitudes, keptA, 32);
  v128.store(magnitudes, keptB, 48);
  for (let i = end; i < count; i++) {
    const sum = magnitudes + ((i & 3) << 3);
    store<f64>(sum, load<f64>(sum) + <f64>abs(load<f32>(values + (i << 2))));
    store<f64>(sum, load<f64>(sum, 32) + abs(thinOne(thinnings, values + (i << 2), i)), 32);
  }
}
