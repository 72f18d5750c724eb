import { input, meanOneByOne, multiple, outAddress, outType, redo } from "./mean";
import { notFinite, roundDoubles, store4 } from "./round";
import { sizeOf } from "./types";

// As in mean-bounds.ts: beyond these `decide` knows how far it can go.
const LARGEST: f64 = reinterpret<f64>(<u64>(1023 + 200) << 52);
const SMALLEST: f64 = reinterpret<f64>(<u64>(1023 - 200) << 52);

/**
 * One input of F64 whose product with its weight is exact, written as a type of at most 32 bits: nothing is lost before the division, and the
 * divisor is such that its quotient rounds as it should. The same as meanWithBounds, without the bounds.
 */
export function meanOfOne(count: usize, divisor: f64): i32 {
  const from = input(0);
  const weight = multiple(0);
  const by = f64x2.splat(divisor);
  const step = sizeOf(outType) << 2;
  const end = count & ~3;
  let to = outAddress;
  for (let i: usize = 0; i < end; i += 4) {
    const x = v128.load(from + (i << 3));
    const y = v128.load(from + (i << 3), 16);
    const patterns = roundDoubles(outType, f64x2.div(f64x2.mul(x, weight), by), f64x2.div(f64x2.mul(y, weight), by));
    store4(outType, to, patterns);
    to += step;
    const calm = v128.shuffle<i32>(isCalm(x), isCalm(y), 0, 2, 4, 6);
    const bad = v128.or(notFinite(outType, patterns), v128.not(calm));
    if (v128.any_true(bad)) redo(i, i32x4.bitmask(bad));
  }
  return meanOneByOne(end, count);
}

@inline function isCalm(values: v128): v128 {
  const size = f64x2.abs(values);
  const isZero = f64x2.eq(size, f64x2.splat(0));
  return v128.and(f64x2.le(size, f64x2.splat(LARGEST)), v128.or(isZero, f64x2.ge(size, f64x2.splat(SMALLEST))));
}
