import { decide } from "./decide";
import { f16Values, high, load4, low } from "./load";
import { notFinite, roundDoubles, roundFloats, store4, storeDoubles, write4 } from "./round";
import { BF16, bytesOf, F16, F32, F64, isBF16, isF16, sizeOf } from "./types";

// How a mean is decided, fastest first:
// 1. Sums that lose nothing, because the exponents of the terms lie close together: of f32 in f64, of f16 and bf16 in f32.
//    Their quotient, rounded to f64 (f32) and then to the type, is right: see twins/mean.ts.
// 2. Sums with a bound of what they lost: right if both ends of the interval round to the same.
// 3. One element after another with twice the digits: `decide`.

/** Tables of at most 4096 inputs: addresses; weights as whole numbers where they are some, for 1 and 2; weights as they were given, for 3. */
export const inputs: usize = memory.data(4096 * 4, 64);
export const multiples: usize = memory.data(4096 * 8, 64);
export const weights: usize = memory.data(4096 * 8, 64);

@inline function input(k: i32): usize {
  return load<usize>(inputs + (<usize>k << 2));
}

@inline function multiple(k: i32): v128 {
  return v128.load64_splat(multiples + (<usize>k << 3));
}

// What a call has in common for all elements.
let many: i32 = 0;
let outType: i32 = 0;
let outAddress: usize = 0;
let undecided: usize = 0;
let open: i32 = 0;
let type: i32 = 0;
let givenDivisor: f64 = 1;
let divisorTail: f64 = 0;

export function begin(inType: i32, toType: i32, count: i32, out: usize, left: usize, divisor: f64, tail: f64): void {
  type = inType;
  outType = toType;
  many = count;
  outAddress = out;
  undecided = left;
  open = 0;
  givenDivisor = divisor;
  divisorTail = tail;
}

/** Elements from `first` to before `end`, the slow way. */
export function meanOneByOne(first: usize, end: usize): i32 {
  for (let i = first; i < end; i++) {
    if (decide(type, inputs, weights, many, givenDivisor, divisorTail, i, outType, outAddress)) continue;
    store<u32>(undecided + (<usize>open << 2), <u32>i);
    open++;
  }
  return open;
}

/** The elements from `first` whose bits are set, the slow way. */
function redo(first: usize, mask: i32): void {
  while (mask != 0) {
    const i = first + <usize>ctz(mask);
    meanOneByOne(i, i + 1);
    mask &= mask - 1;
  }
}

/** Writes eight means. The bits of those that are not finite. */
function write8(i: usize, a: v128, b: v128, c: v128, d: v128): i32 {
  const address = outAddress + i * sizeOf(outType);
  if (outType == F64) {
    storeDoubles(address, a, b);
    storeDoubles(address + 32, c, d);
    return 0;
  }
  const first = roundDoubles(outType, a, b);
  const second = roundDoubles(outType, c, d);
  store4(outType, address, first);
  store4(outType, address + 4 * sizeOf(outType), second);
  return i32x4.bitmask(notFinite(outType, first)) | i32x4.bitmask(notFinite(outType, second)) << 4;
}

/** f32 whose exponents may differ by `spread`. With `uniform`, all weights are 1. */
export function meanF32(count: usize, uniform: bool, spread: i32, divisor: f64): i32 {
  const end = count & ~7;
  for (let i: usize = 0; i < end; i += 8) {
    const bad = uniform ? spreadF32<bool>(i, spread, divisor) : spreadF32<f64>(i, spread, divisor);
    if (bad != 0) redo(i, bad);
  }
  return meanOneByOne(end, count);
}

/** `W` is bool where all weights are 1. */
@inline function spreadF32<W>(i: usize, spread: i32, divisor: f64): i32 {
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
  const infinite = write8(i, f64x2.div(a, by), f64x2.div(b, by), f64x2.div(c, by), f64x2.div(d, by));
  const limit = i32x4.splat(spread << 23);
  const largest = i32x4.splat(0x7f800000);
  const badX = v128.or(i32x4.gt_s(i32x4.sub(mostX, leastX), limit), i32x4.ge_s(mostX, largest));
  const badY = v128.or(i32x4.gt_s(i32x4.sub(mostY, leastY), limit), i32x4.ge_s(mostY, largest));
  return i32x4.bitmask(badX) | i32x4.bitmask(badY) << 4 | infinite;
}

/** f16 or bf16 whose exponents may differ by `near` for sums in f32 (not at all if it is negative), by `far` for sums in f64. */
export function meanHalf(count: usize, uniform: bool, near: i32, far: i32, divisor: f64): i32 {
  return type == F16 ? halves<u16>(count, uniform, near, far, divisor) : halves<i16>(count, uniform, near, far, divisor);
}

@inline function halves<T>(count: usize, uniform: bool, near: i32, far: i32, divisor: f64): i32 {
  const end = count & ~7;
  for (let i: usize = 0; i < end; i += 8) {
    let bad = 255;
    if (near >= 0) bad = uniform ? spreadHalf<T, bool>(i, near, <f32>divisor) : spreadHalf<T, f32>(i, near, <f32>divisor);
    if (bad != 0) bad = spreadHalfWide<T>(i, far, divisor);
    if (bad != 0) redo(i, bad);
  }
  return meanOneByOne(end, count);
}

/** f32 of the even elements, and of the odd ones. F16 is left smaller by 2^112 in both. */
@inline function even<T>(pairs: v128): v128 {
  const moved = i32x4.shl(pairs, 16);
  return isF16<T>() ? v128.and(i32x4.shr_s(moved, 3), i32x4.splat(0x8fffe000)) : moved;
}

@inline function oddOnes<T>(pairs: v128): v128 {
  return isF16<T>() ? v128.and(i32x4.shr_s(pairs, 3), i32x4.splat(0x8fffe000)) : v128.and(pairs, i32x4.splat(0xffff0000));
}

@inline function tooFar<T>(most: v128, least: v128, spread: i32): v128 {
  // More than the 31 exponents of F16 would not fit.
  const limit = i16x8.splat(<i16>(isF16<T>() ? min(spread, 31) << 10 : spread << 7));
  const infinity = i16x8.splat(isF16<T>() ? 0x7c00 : 0x7f80);
  return v128.or(i16x8.gt_s(i16x8.sub(most, least), limit), i16x8.ge_s(most, infinity));
}

@inline function spreadHalf<T, W>(i: usize, spread: i32, divisor: f32): i32 {
  const positive = i16x8.splat(0x7fff);
  const one = i16x8.splat(1);
  const offset = i << 1;
  let x = v128.load(input(0) + offset);
  let a = even<T>(x);
  let b = oddOnes<T>(x);
  if (isFloat<W>()) {
    const weight = f32x4.splat(<f32>load<f64>(multiples));
    a = f32x4.mul(a, weight);
    b = f32x4.mul(b, weight);
  }
  let most = v128.and(x, positive);
  let least = i16x8.sub(most, one);
  for (let k = 1, n = many; k < n; k++) {
    x = v128.load(input(k) + offset);
    if (isFloat<W>()) {
      const weight = f32x4.splat(<f32>load<f64>(multiples + (<usize>k << 3)));
      a = f32x4.add(a, f32x4.mul(even<T>(x), weight));
      b = f32x4.add(b, f32x4.mul(oddOnes<T>(x), weight));
    } else {
      a = f32x4.add(a, even<T>(x));
      b = f32x4.add(b, oddOnes<T>(x));
    }
    x = v128.and(x, positive);
    most = i16x8.max_u(most, x);
    least = i16x8.min_u(least, i16x8.sub(x, one));
  }
  if (isF16<T>()) {
    const scale = i32x4.splat((112 + 127) << 23);
    a = f32x4.mul(a, scale);
    b = f32x4.mul(b, scale);
  }
  const by = f32x4.splat(divisor);
  a = f32x4.div(a, by);
  b = f32x4.div(b, by);
  const first = roundFloats(outType, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
  const second = roundFloats(outType, v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const address = outAddress + i * sizeOf(outType);
  store4(outType, address, first);
  store4(outType, address + 4 * sizeOf(outType), second);
  const bad = i8x16.narrow_i16x8_s(tooFar<T>(most, least, spread), i16x8.splat(0));
  const infinite = i32x4.bitmask(notFinite(outType, first)) | i32x4.bitmask(notFinite(outType, second)) << 4;
  return i8x16.bitmask(bad) | infinite;
}

/** The same in f64, for any whole weights. */
function spreadHalfWide<T>(i: usize, spread: i32, divisor: f64): i32 {
  if (spread < 0) return 255;
  const positive = i16x8.splat(0x7fff);
  const offset = i << 1;
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let most = i16x8.splat(0);
  let least = i16x8.splat(-1);
  for (let k = 0, n = many; k < n; k++) {
    const address = input(k) + offset;
    const x = load4<T>(address);
    const y = load4<T>(address + 8);
    const weight = multiple(k);
    const first = k == 0;
    const pa = f64x2.mul(low(x), weight);
    const pb = f64x2.mul(high(x), weight);
    const pc = f64x2.mul(low(y), weight);
    const pd = f64x2.mul(high(y), weight);
    // Not 0 + the first: the sum of zeros that are all negative is negative.
    a = first ? pa : f64x2.add(a, pa);
    b = first ? pb : f64x2.add(b, pb);
    c = first ? pc : f64x2.add(c, pc);
    d = first ? pd : f64x2.add(d, pd);
    const bits = v128.and(v128.load(address), positive);
    most = i16x8.max_u(most, bits);
    least = i16x8.min_u(least, i16x8.sub(bits, i16x8.splat(1)));
  }
  const by = f64x2.splat(divisor);
  const infinite = write8(i, f64x2.div(a, by), f64x2.div(b, by), f64x2.div(c, by), f64x2.div(d, by));
  const bad = i8x16.narrow_i16x8_s(tooFar<T>(most, least, spread), i16x8.splat(0));
  return i8x16.bitmask(bad) | infinite;
}

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
