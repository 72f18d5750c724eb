import { decide } from "./decide";
import { high, load4, low } from "./load";
import { bf16Patterns, demote, f16Patterns, notFinite, roundDoubles, roundFloats, store4, storeDoubles } from "./round";
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

/** The elements of the group at which a loop stopped that stay open. */
let mask: i32 = 0;

/** Goes on from `first` until a group has elements that stay open, and returns where that is. A loop without calls is twice as fast in some engines. */
function spreadsF32<W, O>(first: usize, end: usize, spread: i32, divisor: f64, inverse: bool): usize {
  for (let i = first; i < end; i += 8) {
    const bad = spreadF32<W, O>(i, spread, divisor, inverse);
    if (bad == 0) continue;
    mask = bad;
    return i;
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

/** f16 or bf16 whose exponents may differ by `near` for sums in f32 (not at all if it is negative), by `far` for sums in f64. */
export function meanHalf(count: usize, uniform: bool, near: i32, far: i32, divisor: f64): i32 {
  const end = count & ~15;
  if (type == F16) {
    if (near < 0) halvesWide<u16>(0, end, far, divisor);
    else if (uniform) halves<u16, bool>(end, near, far, divisor);
    else halves<u16, f32>(end, near, far, divisor);
  } else {
    if (near < 0) halvesWide<i16>(0, end, far, divisor);
    else if (uniform) halves<i16, bool>(end, near, far, divisor);
    else halves<i16, f32>(end, near, far, divisor);
  }
  return meanOneByOne(end, count);
}

function halves<T, W>(end: usize, near: i32, far: i32, divisor: f64): void {
  const own = outType == (isF16<T>() ? F16 : BF16);
  for (let i: usize = 0; i < end; i += 16) {
    if (own) i = spreadHalves<T, W, bool>(i, end, near, <f32>divisor);
    else i = spreadHalves<T, W, f64>(i, end, near, <f32>divisor);
    if (i >= end) return;
    if ((mask & 255) != 0) halvesWide<T>(i, i + 8, far, divisor);
    if (mask >> 8 != 0) halvesWide<T>(i + 8, i + 16, far, divisor);
  }
}

/** As spreadsF32. `O` is bool where the type of the output is that of the inputs. */
function spreadHalves<T, W, O>(first: usize, end: usize, near: i32, divisor: f32): usize {
  for (let i = first; i < end; i += 16) {
    const bad = spreadHalf<T, W, O>(i, near, divisor);
    if (bad == 0) continue;
    mask = bad;
    return i;
  }
  return end;
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

/** Sixteen elements with sums in f32. The bits of those that stay open. */
@inline function spreadHalf<T, W, O>(i: usize, spread: i32, divisor: f32): i32 {
  const positive = i16x8.splat(0x7fff);
  const one = i16x8.splat(1);
  const offset = i << 1;
  let address = input(0) + offset;
  let x = v128.load(address);
  let y = v128.load(address, 16);
  let a = even<T>(x);
  let b = oddOnes<T>(x);
  let c = even<T>(y);
  let d = oddOnes<T>(y);
  if (isFloat<W>()) {
    const weight = f32x4.splat(<f32>load<f64>(multiples));
    a = f32x4.mul(a, weight);
    b = f32x4.mul(b, weight);
    c = f32x4.mul(c, weight);
    d = f32x4.mul(d, weight);
  }
  let mostX = v128.and(x, positive);
  let mostY = v128.and(y, positive);
  let leastX = i16x8.sub(mostX, one);
  let leastY = i16x8.sub(mostY, one);
  for (let k = 1, n = many; k < n; k++) {
    address = input(k) + offset;
    x = v128.load(address);
    y = v128.load(address, 16);
    if (isFloat<W>()) {
      const weight = f32x4.splat(<f32>load<f64>(multiples + (<usize>k << 3)));
      a = f32x4.add(a, f32x4.mul(even<T>(x), weight));
      b = f32x4.add(b, f32x4.mul(oddOnes<T>(x), weight));
      c = f32x4.add(c, f32x4.mul(even<T>(y), weight));
      d = f32x4.add(d, f32x4.mul(oddOnes<T>(y), weight));
    } else {
      a = f32x4.add(a, even<T>(x));
      b = f32x4.add(b, oddOnes<T>(x));
      c = f32x4.add(c, even<T>(y));
      d = f32x4.add(d, oddOnes<T>(y));
    }
    x = v128.and(x, positive);
    y = v128.and(y, positive);
    mostX = i16x8.max_u(mostX, x);
    mostY = i16x8.max_u(mostY, y);
    leastX = i16x8.min_u(leastX, i16x8.sub(x, one));
    leastY = i16x8.min_u(leastY, i16x8.sub(y, one));
  }
  const bad = i8x16.narrow_i16x8_s(tooFar<T>(mostX, leastX, spread), tooFar<T>(mostY, leastY, spread));
  return i8x16.bitmask(bad) | writeHalves<T, O>(i, a, b, divisor) | writeHalves<T, O>(i + 8, c, d, divisor) << 8;
}

/** Divides and writes eight sums of the even and the odd elements. The bits of those that are not finite. */
@inline function writeHalves<T, O>(i: usize, even: v128, odd: v128, divisor: f32): i32 {
  if (isF16<T>()) {
    const scale = i32x4.splat((112 + 127) << 23);
    even = f32x4.mul(even, scale);
    odd = f32x4.mul(odd, scale);
  }
  const by = f32x4.splat(divisor);
  even = f32x4.div(even, by);
  odd = f32x4.div(odd, by);
  if (!isFloat<O>()) {
    even = isF16<T>() ? f16Patterns(even) : bf16Patterns(even);
    odd = isF16<T>() ? f16Patterns(odd) : bf16Patterns(odd);
    const patterns = v128.or(even, i32x4.shl(odd, 16));
    v128.store(outAddress + (i << 1), patterns);
    const infinity = i16x8.splat(isF16<T>() ? 0x7c00 : 0x7f80);
    const infinite = i16x8.ge_s(v128.and(patterns, i16x8.splat(0x7fff)), infinity);
    return i16x8.bitmask(infinite);
  }
  const address = outAddress + i * sizeOf(outType);
  const first = roundFloats(outType, v128.shuffle<f32>(even, odd, 0, 4, 1, 5));
  const second = roundFloats(outType, v128.shuffle<f32>(even, odd, 2, 6, 3, 7));
  store4(outType, address, first);
  store4(outType, address + 4 * sizeOf(outType), second);
  return i32x4.bitmask(notFinite(outType, first)) | i32x4.bitmask(notFinite(outType, second)) << 4;
}

/** Elements from `first` to before `end`, eight at a time, with sums in f64. */
function halvesWide<T>(first: usize, end: usize, spread: i32, divisor: f64): void {
  for (let i = first; i < end; i += 8) {
    const bad = spreadHalfWide<T>(i, spread, divisor);
    if (bad != 0) redo(i, bad);
  }
}

@inline function spreadHalfWide<T>(i: usize, spread: i32, divisor: f64): i32 {
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
 * Types of at most 32 bits with weights whose products are not exact, by the second way: the error is at most `loss` times the largest element,
 * division and all.
 */
export function meanRoughly(count: usize, divisor: f64, loss: f64): i32 {
  const end = count & ~7;
  let i: usize = 0;
  while (i < end) {
    if (type == F32 && outType == F32) i = roughGroups<f32, f32>(i, end, divisor, loss);
    else if (type == F32) i = roughGroups<f32, f64>(i, end, divisor, loss);
    else if (type == F16) i = roughGroups<u16, f64>(i, end, divisor, loss);
    else i = roughGroups<i16, f64>(i, end, divisor, loss);
    if (i < end) redo(i, mask);
    i += 8;
  }
  return meanOneByOne(end, count);
}

/** As spreadsF32. `O` is f32 where that is the type of the output. */
function roughGroups<T, O>(first: usize, end: usize, divisor: f64, loss: f64): usize {
  for (let i = first; i < end; i += 8) {
    const bad = roughGroup<T, O>(i, divisor, loss);
    if (bad == 0) continue;
    mask = bad;
    return i;
  }
  return end;
}

@inline function roughGroup<T, O>(i: usize, divisor: f64, loss: f64): i32 {
  const positive = i32x4.splat(0x7fffffff);
  const offset = i * bytesOf<T>();
  let address = input(0) + offset;
  let weight = multiple(0);
  let x = load4<T>(address);
  let y = load4<T>(address + 4 * bytesOf<T>());
  let a = f64x2.mul(low(x), weight);
  let b = f64x2.mul(high(x), weight);
  let c = f64x2.mul(low(y), weight);
  let d = f64x2.mul(high(y), weight);
  let mostX = v128.and(x, positive);
  let mostY = v128.and(y, positive);
  for (let k = 1, n = many; k < n; k++) {
    address = input(k) + offset;
    weight = multiple(k);
    x = load4<T>(address);
    y = load4<T>(address + 4 * bytesOf<T>());
    a = f64x2.add(a, f64x2.mul(low(x), weight));
    b = f64x2.add(b, f64x2.mul(high(x), weight));
    c = f64x2.add(c, f64x2.mul(low(y), weight));
    d = f64x2.add(d, f64x2.mul(high(y), weight));
    mostX = i32x4.max_u(mostX, v128.and(x, positive));
    mostY = i32x4.max_u(mostY, v128.and(y, positive));
  }
  const by = f64x2.splat(divisor);
  const first = roughFour<O>(i, f64x2.div(a, by), f64x2.div(b, by), mostX, loss);
  return first | roughFour<O>(i + 4, f64x2.div(c, by), f64x2.div(d, by), mostY, loss) << 4;
}

/** Writes four means if both ends of their intervals round to the same. The bits of those for which they do not. */
@inline function roughFour<O>(i: usize, a: v128, b: v128, most: v128, loss: f64): i32 {
  const factor = f64x2.splat(loss);
  const errorA = f64x2.mul(low(most), factor);
  const errorB = f64x2.mul(high(most), factor);
  let below: v128;
  let above: v128;
  if (sizeof<O>() == 4) {
    below = demote(f64x2.sub(a, errorA), f64x2.sub(b, errorB));
    above = demote(f64x2.add(a, errorA), f64x2.add(b, errorB));
    v128.store(outAddress + (i << 2), below);
  } else if (outType == F64) {
    storeDoubles(outAddress + (i << 3), a, b);
    return i32x4.bitmask(i32x4.ne(most, i32x4.splat(0)));
  } else {
    below = roundDoubles(outType, f64x2.sub(a, errorA), f64x2.sub(b, errorB));
    above = roundDoubles(outType, f64x2.add(a, errorA), f64x2.add(b, errorB));
    store4(outType, outAddress + i * sizeOf(outType), below);
  }
  // Nothing but zeros: 0 - 0 has the sign of the first, the other end does not matter.
  const open = v128.andnot(i32x4.ne(below, above), i32x4.eq(most, i32x4.splat(0)));
  const infinite = sizeof<O>() == 4 ? notFinite(F32, below) : notFinite(outType, below);
  return i32x4.bitmask(v128.or(v128.or(open, infinite), i32x4.ge_s(most, i32x4.splat(0x7f800000))));
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
