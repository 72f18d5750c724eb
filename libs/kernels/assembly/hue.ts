import { blueOf, greenOf, redOf, writeColours } from "./colours";
import { high, low } from "./load";

/** Where the last pixels are turned, if they are fewer than four. */
const rest: usize = memory.data(16, 16);

/**
 * Turns the hue of pixels of three bytes, in place, by `turn` of 255 parts of a circle, with the roundings of Pillow's HSV: four pixels at a
 * time, without branches, in f32 and f64 where Pillow computes in them.
 */
export function turnHue(pixels: usize, count: usize, turn: i32): void {
  const end = pixels + (count & ~3) * 3;
  for (let at = pixels; at < end; at += 12) turnFour(at, turn);
  const bytes = (count & 3) * 3;
  memory.copy(rest, end, bytes);
  turnFour(rest, turn);
  memory.copy(end, rest, bytes);
}

function turnFour(at: usize, turn: i32): void {
  const bytes = v128.load(at);
  const red = redOf(bytes);
  const green = greenOf(bytes);
  const blue = blueOf(bytes);
  const most = i32x4.max_s(red, i32x4.max_s(green, blue));
  const range = f32x4.convert_i32x4_s(i32x4.sub(most, i32x4.min_s(red, i32x4.min_s(green, blue))));

  // Of a grey both are NaN, and 0 as bytes.
  const saturation = toByte(f32x4.div(range, f32x4.convert_i32x4_s(most)));
  const hue = v128.and(i32x4.add(toByte(turnsOf(red, green, blue, most, range)), i32x4.splat(turn)), i32x4.splat(255));

  const sixthsLow = sixths(hue);
  const sixthsHigh = sixths(upper(hue));
  const sector = pair(i32x4.trunc_sat_f64x2_s_zero(sixthsLow), i32x4.trunc_sat_f64x2_s_zero(sixthsHigh));
  const fraction = pair(fractionOf(sixthsLow), fractionOf(sixthsHigh));
  const strength = f32x4.div(f32x4.convert_i32x4_s(saturation), f32x4.splat(255));
  const falling = f32x4.mul(strength, fraction);
  const isOdd = i32x4.eq(v128.and(sector, i32x4.splat(1)), i32x4.splat(1));
  const least = pair(lessOf(most, low(strength)), lessOf(upper(most), high(strength)));
  const between = pair(
    lessOf(most, v128.bitselect(low(falling), rising(low(strength), low(fraction)), v128.shuffle<i32>(isOdd, isOdd, 0, 0, 1, 1))),
    lessOf(upper(most), v128.bitselect(high(falling), rising(high(strength), high(fraction)), v128.shuffle<i32>(isOdd, isOdd, 2, 2, 3, 3))),
  );
  const isGrey = i32x4.eq(saturation, i32x4.splat(0));
  write(at, sector, most, v128.bitselect(most, between, isGrey), v128.bitselect(most, least, isGrey));
}

/** The hue as a part of the circle, f32. Differences of f32 are exact in f64. */
@inline function turnsOf(red: v128, green: v128, blue: v128, most: v128, range: v128): v128 {
  const fromRed = f32x4.div(f32x4.convert_i32x4_s(i32x4.sub(most, red)), range);
  const fromGreen = f32x4.div(f32x4.convert_i32x4_s(i32x4.sub(most, green)), range);
  const fromBlue = f32x4.div(f32x4.convert_i32x4_s(i32x4.sub(most, blue)), range);
  const isRed = i32x4.eq(red, most);
  const isGreen = i32x4.eq(green, most);
  const plus = v128.bitselect(fromBlue, v128.bitselect(fromRed, fromGreen, isGreen), isRed);
  const minus = v128.bitselect(fromGreen, v128.bitselect(fromBlue, fromRed, isGreen), isRed);
  const begin = v128.bitselect(f32x4.splat(0), v128.bitselect(f32x4.splat(2), f32x4.splat(4), isGreen), isRed);
  return pair(turnsOfTwo(low(begin), low(plus), low(minus)), turnsOfTwo(high(begin), high(plus), high(minus)));
}

@inline function turnsOfTwo(begin: v128, plus: v128, minus: v128): v128 {
  const sixths = low(f32x4.demote_f64x2_zero(f64x2.sub(f64x2.add(begin, plus), minus)));
  const turns = f64x2.add(f64x2.div(sixths, f64x2.splat(6)), f64x2.splat(1));
  return f32x4.demote_f64x2_zero(f64x2.sub(turns, f64x2.floor(turns)));
}

/** Four f32 from 0 to 1 as whole numbers to 255, cut off in f64. */
@inline function toByte(shares: v128): v128 {
  const all = f64x2.splat(255);
  return pair(i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(low(shares), all)), i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(high(shares), all)));
}

/** The first two hues in sixths of the circle, 0 to 6. */
@inline function sixths(hue: v128): v128 {
  return f64x2.div(f64x2.mul(f64x2.convert_low_i32x4_s(hue), f64x2.splat(6)), f64x2.splat(255));
}

@inline function fractionOf(sixths: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.sub(sixths, f64x2.floor(sixths)));
}

@inline function rising(strength: v128, fraction: v128): v128 {
  return f64x2.mul(strength, f64x2.sub(f64x2.splat(1), fraction));
}

/** What two shares leave of the first two whole numbers, rounded. */
@inline function lessOf(numbers: v128, shares: v128): v128 {
  const left = f64x2.mul(f64x2.convert_low_i32x4_s(numbers), f64x2.sub(f64x2.splat(1), shares));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(left, f64x2.splat(0.5)));
}

/** The last two lanes in place of the first. */
@inline function upper(lanes: v128): v128 {
  return v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3);
}

/** Two lanes and two lanes. */
@inline function pair(first: v128, second: v128): v128 {
  return v128.shuffle<i32>(first, second, 0, 1, 4, 5);
}

/** Writes four pixels: in each sixth of the circle the channels have another order. The seventh is the first. */
@inline function write(at: usize, sector: v128, most: v128, between: v128, least: v128): void {
  const is1 = i32x4.eq(sector, i32x4.splat(1));
  const is2 = i32x4.eq(sector, i32x4.splat(2));
  const is3 = i32x4.eq(sector, i32x4.splat(3));
  const is4 = i32x4.eq(sector, i32x4.splat(4));
  const is5 = i32x4.eq(sector, i32x4.splat(5));
  const red = choose(most, between, least, v128.or(is1, is4), v128.or(is2, is3));
  const green = choose(between, most, least, v128.or(is1, is2), v128.or(is4, is5));
  const blue = choose(least, most, between, v128.or(is3, is4), v128.or(is2, is5));
  writeColours(at, red, green, blue);
}

/** The second where the first mask is set, the third where the second is. */
@inline function choose(otherwise: v128, first: v128, second: v128, isFirst: v128, isSecond: v128): v128 {
  return v128.bitselect(first, v128.bitselect(second, otherwise, isSecond), isFirst);
}
