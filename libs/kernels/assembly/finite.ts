import { F16, F32, F64 } from "./types";

/** Index of the first element that is NaN or infinite, or -1: one whose exponent has all bits set. */
export function firstNotFinite(type: i32, address: usize, count: usize): i32 {
  if (type == F64) return first<u64>(address, count, 0x7ff0000000000000);
  if (type == F32) return first<u32>(address, count, 0x7f800000);
  return first<u16>(address, count, type == F16 ? 0x7c00 : 0x7f80);
}

function first<T>(address: usize, count: usize, exponent: T): i32 {
  const mask = v128.splat<T>(exponent);
  const end = address + count * sizeof<T>();
  let at = address;
  for (; at + 64 <= end; at += 64) {
    const a = v128.or(special<T>(v128.load(at), mask), special<T>(v128.load(at, 16), mask));
    const b = v128.or(special<T>(v128.load(at, 32), mask), special<T>(v128.load(at, 48), mask));
    if (v128.any_true(v128.or(a, b))) break;
  }
  for (; at < end; at += sizeof<T>()) if ((load<T>(at) & exponent) == exponent) return <i32>((at - address) / sizeof<T>());
  return -1;
}

@inline function special<T>(bits: v128, mask: v128): v128 {
  return v128.eq<T>(v128.and(bits, mask), mask);
}
