import { high, load4, low } from "./load";
import { input, many, mask, meanOneByOne, multiple, multiples, outAddress, outType, redo, stopAt, type, write8 } from "./mean";
import { bf16Patterns, f16Patterns, notFinite, roundFloats, store4 } from "./round";
import { BF16, F16, isF16, sizeOf } from "./types";

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
    return stopAt(i, bad);
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
