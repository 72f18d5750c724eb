/** One colour of each of four pixels of three bytes, as i32x4. */
@inline export function redOf(bytes: v128): v128 {
  return i8x16.swizzle(bytes, i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1));
}

@inline export function greenOf(bytes: v128): v128 {
  return i8x16.swizzle(bytes, i8x16(1, -1, -1, -1, 4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1));
}

@inline export function blueOf(bytes: v128): v128 {
  return i8x16.swizzle(bytes, i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
}

/** Writes four pixels of three bytes. */
@inline export function writeColours(at: usize, red: v128, green: v128, blue: v128): void {
  const words = v128.or(red, v128.or(i32x4.shl(green, 8), i32x4.shl(blue, 16)));
  const bytes = i8x16.swizzle(words, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
  v128.store64_lane(at, bytes, 0);
  v128.store32_lane(at, bytes, 2, 8);
}

/** The grey of four pixels, by ITU-R 601-2 in 2^-16. */
@inline export function greyOf(red: v128, green: v128, blue: v128): v128 {
  const colours = i32x4.add(i32x4.mul(red, i32x4.splat(19595)), i32x4.mul(green, i32x4.splat(38470)));
  return i32x4.shr_u(i32x4.add(i32x4.add(colours, i32x4.mul(blue, i32x4.splat(7471))), i32x4.splat(0x8000)), 16);
}

/** base + factor · (number - base) in f32, as whole numbers of any size. */
@inline export function blended(numbers: v128, base: v128, factor: v128): v128 {
  const baseF32 = f32x4.convert_i32x4_s(base);
  const difference = f32x4.sub(f32x4.convert_i32x4_s(numbers), baseF32);
  return i32x4.trunc_sat_f32x4_s(f32x4.add(baseF32, f32x4.mul(factor, difference)));
}
