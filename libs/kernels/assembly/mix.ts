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
