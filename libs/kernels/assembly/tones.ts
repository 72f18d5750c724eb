import { blended, blueOf, greenOf, greyOf, redOf, writeColours } from "./colours";

/** Where the last pixels are done, if they are fewer than the others. */
const rest: usize = memory.data(16, 16);

/** Every byte x becomes base + factor · (x - base), cut to a byte. */
export function blendBytes(bytes: usize, count: usize, base: i32, factor: f32): void {
  const end = bytes + (count & ~15);
  const bases = i32x4.splat(base);
  const factors = f32x4.splat(factor);
  for (let at = bytes; at < end; at += 16) blendSixteen(at, bases, factors);
  const left = count & 15;
  memory.copy(rest, end, left);
  blendSixteen(rest, bases, factors);
  memory.copy(end, rest, left);
}

function blendSixteen(at: usize, base: v128, factor: v128): void {
  const bytes = v128.load(at);
  const low = i16x8.extend_low_i8x16_u(bytes);
  const high = i16x8.extend_high_i8x16_u(bytes);
  const a = blended(i32x4.extend_low_i16x8_u(low), base, factor);
  const b = blended(i32x4.extend_high_i16x8_u(low), base, factor);
  const c = blended(i32x4.extend_low_i16x8_u(high), base, factor);
  const d = blended(i32x4.extend_high_i16x8_u(high), base, factor);
  v128.store(at, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** Every channel x of a pixel of three becomes grey + factor · (x - grey), cut to a byte. */
export function saturate(pixels: usize, count: usize, factor: f32): void {
  const end = pixels + (count & ~3) * 3;
  const factors = f32x4.splat(factor);
  for (let at = pixels; at < end; at += 12) saturateFour(at, factors);
  const left = (count & 3) * 3;
  memory.copy(rest, end, left);
  saturateFour(rest, factors);
  memory.copy(end, rest, left);
}

function saturateFour(at: usize, factor: v128): void {
  const bytes = v128.load(at);
  const red = redOf(bytes);
  const green = greenOf(bytes);
  const blue = blueOf(bytes);
  const grey = greyOf(red, green, blue);
  writeColours(at, cut(blended(red, grey, factor)), cut(blended(green, grey, factor)), cut(blended(blue, grey, factor)));
}

@inline function cut(numbers: v128): v128 {
  return i32x4.min_s(i32x4.max_s(numbers, i32x4.splat(0)), i32x4.splat(255));
}

/** The sum of the greys of pixels of three bytes. */
export function sumGreys(pixels: usize, count: usize): f64 {
  let sum: u64 = 0;
  const end = pixels + (count & ~3) * 3;
  for (let at = pixels; at < end; at += 12) {
    const bytes = v128.load(at);
    const grey = greyOf(redOf(bytes), greenOf(bytes), blueOf(bytes));
    const two = i64x2.add(i64x2.extend_low_i32x4_u(grey), i64x2.extend_high_i32x4_u(grey));
    sum += i64x2.extract_lane(two, 0) + i64x2.extract_lane(two, 1);
  }
  for (let at = end; at < pixels + count * 3; at += 3) {
    sum += (<u32>load<u8>(at) * 19595 + <u32>load<u8>(at, 1) * 38470 + <u32>load<u8>(at, 2) * 7471 + 0x8000) >> 16;
  }
  return <f64>sum;
}
