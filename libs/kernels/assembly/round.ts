import { BF16, F16, F32, F64 } from "./types";

/** Two f64x2 as four float32 patterns, rounded to odd: towards zero, the last bit set where anything was lost. See libs/tensors/narrow.ts. */
@inline export function toOdd(a: v128, b: v128): v128 {
  const near = demote(a, b);
  const backA = f64x2.promote_low_f32x4(near);
  const backB = f64x2.promote_low_f32x4(v128.shuffle<f32>(near, near, 2, 3, 2, 3));
  const inexact = v128.shuffle<i32>(f64x2.ne(backA, a), f64x2.ne(backB, b), 0, 2, 4, 6);
  const larger = v128.shuffle<i32>(f64x2.gt(f64x2.abs(backA), f64x2.abs(a)), f64x2.gt(f64x2.abs(backB), f64x2.abs(b)), 0, 2, 4, 6);
  return v128.or(i32x4.add(near, larger), v128.and(inexact, i32x4.splat(1)));
}

@inline export function demote(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 1, 4, 5);
}

/** Float32 patterns, NaN made the one quiet NaN. */
@inline export function f32Patterns(bits: v128): v128 {
  return v128.bitselect(i32x4.splat(0x7fc00000), bits, f32x4.ne(bits, bits));
}

/** Float32 patterns rounded to BF16, ties to even, in the lower halves of the lanes. */
@inline export function bf16Patterns(bits: v128): v128 {
  const last = v128.and(i32x4.shr_u(bits, 16), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(bits, i32x4.splat(0x7fff)), last), 16);
  return v128.bitselect(i32x4.splat(0x7fc0), rounded, f32x4.ne(bits, bits));
}

/** Float32 patterns rounded to F16, ties to even, in the lower halves of the lanes. */
@inline export function f16Patterns(bits: v128): v128 {
  const magnitude = v128.and(bits, i32x4.splat(0x7fffffff));
  const last = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const moved = i32x4.add(i32x4.add(magnitude, i32x4.splat(-0x38000000 + 0xfff)), last);
  const normal = i32x4.min_s(i32x4.shr_s(moved, 13), i32x4.splat(0x7c00));
  // Below 2^-14: an addition to 1/2 rounds to multiples of 2^-24, which are the subnormal numbers.
  const half = f32x4.splat(0.5);
  const subnormal = i32x4.sub(f32x4.add(magnitude, half), half);
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  const signed = v128.or(finite, v128.and(i32x4.shr_u(bits, 16), i32x4.splat(0x8000)));
  return v128.bitselect(i32x4.splat(0x7e00), signed, f32x4.ne(bits, bits));
}

/** Patterns of a type of at most 32 bits, in lanes of 32, of float32 values. */
export function roundFloats(type: i32, values: v128): v128 {
  if (type == F32) return f32Patterns(values);
  return type == F16 ? f16Patterns(values) : bf16Patterns(values);
}

/** Patterns of a type of at most 32 bits, in lanes of 32, of two f64x2. */
export function roundDoubles(type: i32, a: v128, b: v128): v128 {
  if (type == F32) return f32Patterns(demote(a, b));
  const odd = toOdd(a, b);
  return type == F16 ? f16Patterns(odd) : bf16Patterns(odd);
}

/** A mask of the lanes whose pattern is infinity or NaN. */
@inline export function notFinite(type: i32, patterns: v128): v128 {
  const infinity: i32 = type == F32 ? 0x7f800000 : type == F16 ? 0x7c00 : 0x7f80;
  const magnitude: i32 = type == F32 ? 0x7fffffff : 0x7fff;
  return i32x4.ge_s(v128.and(patterns, i32x4.splat(magnitude)), i32x4.splat(infinity));
}

/** Writes four patterns of a type of at most 32 bits. */
@inline export function store4(type: i32, address: usize, patterns: v128): void {
  if (type == F32) v128.store(address, patterns);
  else v128.store64_lane(address, v128.shuffle<i16>(patterns, patterns, 0, 2, 4, 6, 0, 2, 4, 6), 0);
}

/** Writes two f64x2, NaN made the one quiet NaN. */
@inline export function storeDoubles(address: usize, a: v128, b: v128): void {
  const nan = i64x2.splat(0x7ff8000000000000);
  v128.store(address, v128.bitselect(nan, a, f64x2.ne(a, a)));
  v128.store(address, v128.bitselect(nan, b, f64x2.ne(b, b)), 16);
}

/** Rounds two f64x2 to four elements of any type and writes them. */
@inline export function write4(type: i32, address: usize, a: v128, b: v128): void {
  if (type == F64) storeDoubles(address, a, b);
  else if (type == F32) v128.store(address, f32Patterns(demote(a, b)));
  else if (type == F16) store4(F16, address, f16Patterns(toOdd(a, b)));
  else store4(BF16, address, bf16Patterns(toOdd(a, b)));
}

/** Writes one f64 as an element. False where it became infinity or NaN. */
export function writeOne(type: i32, address: usize, value: f64): bool {
  if (type == F64) {
    const isNumber = value == value;
    store<f64>(address, isNumber ? value : reinterpret<f64>(<u64>0x7ff8000000000000));
    return isNumber && abs(value) != Infinity;
  }
  const doubled = f64x2.splat(value);
  const patterns = roundDoubles(type, doubled, doubled);
  if (type == F32) store<u32>(address, i32x4.extract_lane(patterns, 0));
  else store<u16>(address, i32x4.extract_lane(patterns, 0));
  return !v128.any_true(notFinite(type, patterns));
}

/** The pattern that a double gets in a type. */
export function patternOf(type: i32, value: f64): u64 {
  if (type == F64) return reinterpret<u64>(value);
  const doubled = f64x2.splat(value);
  return <u64>i32x4.extract_lane(roundDoubles(type, doubled, doubled), 0);
}
