import { high, low } from "./load";
import { input, many, mask, meanOneByOne, multiple, outAddress, outType, redo, stopAt, write8 } from "./mean";
import { demote } from "./round";
import { F32 } from "./types";

/** The quotient of two sums; by a product where the divisor is a power of two, which is as exact and takes less time. */
@inline function divide(sums: v128, by: v128, inverse: bool): v128 {
  return inverse ? f64x2.mul(sums, by) : f64x2.div(sums, by);
}

/** f32 whose exponents may differ by `spread`. With `uniform`, all weights are 1. With `inverse`, `divisor` is 1 / the divisor, exactly. */
export function meanF32(count: usize, uniform: bool, spread: i32, divisor: f64, inverse: bool): i32 {
  const end = count & ~7;
  let i: usize = 0;
  while (i < end) {
    if (outType == F32 && uniform) i = spreadsF32<bool, f32>(i, end, spread, divisor, inverse);
    else if (outType == F32) i = spreadsF32<f64, f32>(i, end, spread, divisor, inverse);
    else i = spreadsF32<f64, f64>(i, end, spread, divisor, inverse);
    if (i < end) redo(i, mask);
    i += 8;
  }
  return meanOneByOne(end, count);
}

/** Goes on from `first` until a group has elements that stay open, and returns where that is. A loop without calls is twice as fast in some engines. */
function spreadsF32<W, O>(first: usize, end: usize, spread: i32, divisor: f64, inverse: bool): usize {
  for (let i = first; i < end; i += 8) {
    const bad = spreadF32<W, O>(i, spread, divisor, inverse);
    if (bad == 0) continue;
    return stopAt(i, bad);
  }
  return end;
}

/** `W` is bool where all weights are 1, `O` f32 where that is the type of the output. The bits of the elements that stay open. */
@inline function spreadF32<W, O>(i: usize, spread: i32, divisor: f64, inverse: bool): i32 {
  const positive = i32x4.splat(0x7fffffff);
  const one = i32x4.splat(1);
  const offset = i << 2;
  let address = input(0) + offset;
  let x = v128.load(address);
  let y = v128.load(address, 16);
  let a = low(x);
  let b = high(x);
  let c = low(y);
  let d = high(y);
  if (isFloat<W>()) {
    const weight = multiple(0);
    a = f64x2.mul(a, weight);
    b = f64x2.mul(b, weight);
    c = f64x2.mul(c, weight);
    d = f64x2.mul(d, weight);
  }
  // Zeros lie close to everything: less one, as a number without sign, they are the largest.
  let mostX = v128.and(x, positive);
  let mostY = v128.and(y, positive);
  let leastX = i32x4.sub(mostX, one);
  let leastY = i32x4.sub(mostY, one);
  for (let k = 1, n = many; k < n; k++) {
    address = input(k) + offset;
    x = v128.load(address);
    y = v128.load(address, 16);
    if (isFloat<W>()) {
      const weight = multiple(k);
      a = f64x2.add(a, f64x2.mul(low(x), weight));
      b = f64x2.add(b, f64x2.mul(high(x), weight));
      c = f64x2.add(c, f64x2.mul(low(y), weight));
      d = f64x2.add(d, f64x2.mul(high(y), weight));
    } else {
      a = f64x2.add(a, low(x));
      b = f64x2.add(b, high(x));
      c = f64x2.add(c, low(y));
      d = f64x2.add(d, high(y));
    }
    x = v128.and(x, positive);
    y = v128.and(y, positive);
    mostX = i32x4.max_u(mostX, x);
    mostY = i32x4.max_u(mostY, y);
    leastX = i32x4.min_u(leastX, i32x4.sub(x, one));
    leastY = i32x4.min_u(leastY, i32x4.sub(y, one));
  }
  const by = f64x2.splat(divisor);
  a = divide(a, by, inverse);
  b = divide(b, by, inverse);
  c = divide(c, by, inverse);
  d = divide(d, by, inverse);
  const limit = i32x4.splat(spread << 23);
  const largest = i32x4.splat(0x7f800000);
  if (sizeof<O>() == 4) {
    // Where a NaN comes in, the element is open, so what stands in its place does not matter.
    x = demote(a, b);
    y = demote(c, d);
    v128.store(outAddress + offset, x);
    v128.store(outAddress + offset, y, 16);
    mostX = i32x4.max_u(mostX, v128.and(x, positive));
    mostY = i32x4.max_u(mostY, v128.and(y, positive));
  }
  const badX = v128.or(i32x4.gt_s(i32x4.sub(mostX, leastX), limit), i32x4.ge_s(mostX, largest));
  const badY = v128.or(i32x4.gt_s(i32x4.sub(mostY, leastY), limit), i32x4.ge_s(mostY, largest));
  let infinite = 0;
  if (sizeof<O>() != 4) infinite = write8(i, a, b, c, d);
  if (!v128.any_true(v128.or(badX, badY))) return infinite;
  return i32x4.bitmask(badX) | i32x4.bitmask(badY) << 4 | infinite;
}
