import { F32 } from "./types";

const GOLDEN: i32 = 0x9e3779b9;

/** Zeroes the elements whose random number is not below `threshold`. `start` is seed + GOLDEN · (first + 1), `threshold` in 2^-32, below 2^32. */
export function dropout(type: i32, values: usize, count: usize, start: i32, threshold: u32): void {
  let counters = i32x4.add(i32x4.splat(start), i32x4.mul(i32x4.splat(GOLDEN), i32x4(0, 1, 2, 3)));
  const step = i32x4.splat(4 * GOLDEN);
  const limit = i32x4.splat(threshold);
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    const kept = i32x4.lt_u(mix4(counters), limit);
    counters = i32x4.add(counters, step);
    if (type == F32) {
      const address = values + (i << 2);
      v128.store(address, v128.and(v128.load(address), kept));
    } else {
      const address = values + (i << 3);
      v128.store(address, v128.and(v128.load(address), i64x2.extend_low_i32x4_s(kept)));
      v128.store(address, v128.and(v128.load(address, 16), i64x2.extend_high_i32x4_s(kept)), 16);
    }
  }
  for (let i = end; i < count; i++) {
    if (mix(<u32>start + <u32>GOLDEN * <u32>i) < threshold) continue;
    if (type == F32) store<f32>(values + (i << 2), 0);
    else store<f64>(values + (i << 3), 0);
  }
}

/** As `mix` of libs/deterministic/random.ts. */
@inline export function mix4(words: v128): v128 {
  let z = i32x4.mul(v128.xor(words, i32x4.shr_u(words, 16)), i32x4.splat(0x21f0aaad));
  z = i32x4.mul(v128.xor(z, i32x4.shr_u(z, 15)), i32x4.splat(0x735a2d97));
  return v128.xor(z, i32x4.shr_u(z, 15));
}

export function mix(word: u32): u32 {
  let z = (word ^ (word >> 16)) * 0x21f0aaad;
  z = (z ^ (z >> 15)) * 0x735a2d97;
  return z ^ (z >> 15);
}
