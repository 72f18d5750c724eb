import { BF16, F32, F64, isBF16, isF16 } from "./types";

/** 2^112: what lies between the exponents of f16 and f32. */
const F16_SCALE: f32 = 5192296858534827628530496329220096.0;

/** Four F16 in the upper halves of lanes, with anything below, as f32. Infinity and NaN stay what they are. */
@inline export function f16Values(upper: v128): v128 {
  const moved = v128.and(i32x4.shr_s(upper, 3), i32x4.splat(0x8fffe000));
  const scaled = f32x4.mul(moved, f32x4.splat(F16_SCALE));
  const special = i32x4.eq(v128.and(moved, i32x4.splat(0x0f800000)), i32x4.splat(0x0f800000));
  return v128.or(scaled, v128.and(special, i32x4.splat(0x7f800000)));
}

/** Four elements of at most 32 bits as f32x4. */
@inline export function load4<T>(address: usize): v128 {
  if (isBF16<T>()) return i32x4.shl(v128.load16x4_u(address), 16);
  if (isF16<T>()) return f16Values(i32x4.shl(v128.load16x4_u(address), 16));
  return v128.load(address);
}

/** The first two of f32x4 as f64x2. */
@inline export function low(values: v128): v128 {
  return f64x2.promote_low_f32x4(values);
}

/** The last two of f32x4 as f64x2. */
@inline export function high(values: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(values, values, 2, 3, 2, 3));
}

/** One element as f64. */
export function loadOne(type: i32, address: usize): f64 {
  if (type == F64) return load<f64>(address);
  if (type == F32) return <f64>load<f32>(address);
  const bits = <u32>load<u16>(address);
  if (type == BF16) return <f64>reinterpret<f32>(bits << 16);
  const moved = (bits & 0x8000) << 16 | (bits & 0x7fff) << 13;
  if ((bits & 0x7c00) == 0x7c00) return <f64>reinterpret<f32>(moved | 0x7f800000);
  return <f64>(reinterpret<f32>(moved) * F16_SCALE);
}
