// Castagnoli's polynomial, reversed.
const POLYNOMIAL: u32 = 0x82f63b78;

/** Sixteen tables: the CRC of each byte with 0 to 15 zero bytes after it. Made by the first call. */
const tables: usize = memory.data(16 * 256 * 4, 64);
let made = false;

function makeTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
    store<u32>(tables + (<usize>byte << 2), crc);
  }
  for (let i: usize = 256; i < 16 * 256; i++) {
    const crc = load<u32>(tables + ((i - 256) << 2));
    store<u32>(tables + (i << 2), (crc >> 8) ^ load<u32>(tables + (<usize>(crc & 255) << 2)));
  }
  made = true;
}

@inline function entry(zeros: usize, byte: u32): u32 {
  return load<u32>(tables + (zeros << 10) + (<usize>byte << 2));
}

@inline function four(word: u32, zeros: usize): u32 {
  return entry(zeros + 3, word & 255) ^ entry(zeros + 2, (word >> 8) & 255) ^ entry(zeros + 1, (word >> 16) & 255) ^ entry(zeros, word >> 24);
}

/** Sixteen bytes at a time (slicing-by-16). Kounavis and Berry 2005. */
export function crc32c(address: usize, length: usize, seed: u32): u32 {
  if (!made) makeTables();
  let crc = ~seed;
  let at = address;
  const end = address + length;
  for (; at + 16 <= end; at += 16) {
    crc = four(crc ^ load<u32>(at), 12) ^ four(load<u32>(at, 4), 8) ^ four(load<u32>(at, 8), 4) ^ four(load<u32>(at, 12), 0);
  }
  for (; at < end; at++) crc = (crc >> 8) ^ entry(0, (crc ^ load<u8>(at)) & 255);
  return ~crc;
}
