import { high, load4, low } from "./load";
import { input, many, meanOneByOne, multiple, outAddress, outType, redo, type } from "./mean";
import { notFinite, roundDoubles, store4, storeDoubles } from "./round";
import { bytesOf, F16, F32, F64, sizeOf } from "./types";

/**
 * Any weights and types, by the second way. `productLoss` is how much of itself a product may lose: 0, or 2^-53. With `exactDivision`, the
 * quotient of a sum that lost nothing rounds as it should; otherwise it has an interval of its own.
 */
export function meanWithBounds(count: usize, productLoss: f64, exactDivision: bool, divisor: f64): i32 {
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    let bad = 0;
    if (type == F32) bad = bounds<f32>(i, productLoss, exactDivision, divisor);
    else if (type == F64) bad = bounds<f64>(i, productLoss, exactDivision, divisor);
    else if (type == F16) bad = bounds<u16>(i, productLoss, exactDivision, divisor);
    else bad = bounds<i16>(i, productLoss, exactDivision, divisor);
    if (bad != 0) redo(i, bad);
  }
  return meanOneByOne(end, count);
}

// Elements of F64 beyond these are left to `decide`, which knows how far it can go with which weights.
const LARGEST: f64 = reinterpret<f64>(<u64>(1023 + 200) << 52);
const SMALLEST: f64 = reinterpret<f64>(<u64>(1023 - 200) << 52);
const TINY: f64 = reinterpret<f64>(<u64>(1023 - 900) << 52);
const SHARE: f64 = reinterpret<f64>(<u64>(1023 - 51) << 52);

function bounds<T>(i: usize, productLoss: f64, exactDivision: bool, divisor: f64): i32 {
  const offset = i * bytesOf<T>();
  let a = f64x2.splat(0);
  let b = a;
  let lostA = a;
  let lostB = a;
  let sizeA = a;
  let sizeB = a;
  let calmA = i32x4.splat(-1);
  let calmB = calmA;
  for (let k = 0, n = many; k < n; k++) {
    const address = input(k) + offset;
    const weight = multiple(k);
    let x: v128;
    let y: v128;
    if (sizeof<T>() == 8) {
      x = v128.load(address);
      y = v128.load(address, 16);
      calmA = v128.and(calmA, isCalm(x));
      calmB = v128.and(calmB, isCalm(y));
    } else {
      const four = load4<T>(address);
      x = low(four);
      y = high(four);
    }
    x = f64x2.mul(x, weight);
    y = f64x2.mul(y, weight);
    sizeA = f64x2.add(sizeA, f64x2.abs(x));
    sizeB = f64x2.add(sizeB, f64x2.abs(y));
    if (k == 0) {
      a = x;
      b = y;
    } else {
      const nextA = f64x2.add(a, x);
      const nextB = f64x2.add(b, y);
      lostA = f64x2.add(lostA, f64x2.abs(lossOf(a, x, nextA)));
      lostB = f64x2.add(lostB, f64x2.abs(lossOf(b, y, nextB)));
      a = nextA;
      b = nextB;
    }
  }
  const loss = f64x2.splat(productLoss);
  lostA = f64x2.add(lostA, f64x2.mul(sizeA, loss));
  lostB = f64x2.add(lostB, f64x2.mul(sizeB, loss));
  const by = f64x2.splat(divisor);
  a = f64x2.div(a, by);
  b = f64x2.div(b, by);
  const finite = f64x2.splat(f64.MAX_VALUE);
  calmA = v128.and(calmA, f64x2.le(sizeA, finite));
  calmB = v128.and(calmB, f64x2.le(sizeB, finite));
  const calm = v128.shuffle<i32>(calmA, calmB, 0, 2, 4, 6);
  const address = outAddress + i * sizeOf(outType);
  const exactA = exactDivision && productLoss == 0 ? f64x2.eq(lostA, f64x2.splat(0)) : i32x4.splat(0);
  const exactB = exactDivision && productLoss == 0 ? f64x2.eq(lostB, f64x2.splat(0)) : i32x4.splat(0);
  if (outType == F64) {
    storeDoubles(address, a, b);
    const exact = v128.shuffle<i32>(exactA, exactB, 0, 2, 4, 6);
    return i32x4.bitmask(v128.not(v128.and(exact, calm)));
  }
  const errorA = v128.andnot(errorOf(a, lostA, by), exactA);
  const errorB = v128.andnot(errorOf(b, lostB, by), exactB);
  const below = roundDoubles(outType, f64x2.sub(a, errorA), f64x2.sub(b, errorB));
  const above = roundDoubles(outType, f64x2.add(a, errorA), f64x2.add(b, errorB));
  store4(outType, address, below);
  const bad = v128.or(v128.or(i32x4.ne(below, above), notFinite(outType, below)), v128.not(calm));
  return i32x4.bitmask(bad);
}

@inline function isCalm(values: v128): v128 {
  const size = f64x2.abs(values);
  const isZero = f64x2.eq(size, f64x2.splat(0));
  return v128.and(f64x2.le(size, f64x2.splat(LARGEST)), v128.or(isZero, f64x2.ge(size, f64x2.splat(SMALLEST))));
}

@inline function lossOf(a: v128, b: v128, sum: v128): v128 {
  const part = f64x2.sub(sum, a);
  return f64x2.add(f64x2.sub(a, f64x2.sub(sum, part)), f64x2.sub(b, part));
}

/** Twice what the sum may have lost, divided, and more than division and this sum themselves lose; never zero. */
@inline function errorOf(mean: v128, lost: v128, by: v128): v128 {
  const twice = f64x2.div(f64x2.add(lost, lost), by);
  return f64x2.add(f64x2.add(twice, f64x2.mul(f64x2.abs(mean), f64x2.splat(SHARE))), f64x2.splat(TINY));
}
