import { F32 } from "./types";

/** Counts (pattern of |x| >> shift) mod 2^width, of those whose pattern above is `prefix`, or of all if that is negative. */
export function histogram(type: i32, values: usize, count: usize, bins: usize, shift: i32, width: i32, prefix: i64): void {
  if (type == F32) narrowValues(values, count, bins, <u32>shift, <u32>width, prefix);
  else wideValues(values, count, bins, <u64>shift, <u64>width, prefix);
}

function narrowValues(values: usize, count: usize, bins: usize, shift: u32, width: u32, prefix: i64): void {
  const mask: u32 = (<u32>1 << width) - 1;
  const end = values + (count << 2);
  if (prefix < 0) {
    for (let at = values; at < end; at += 4) increment(bins, ((load<u32>(at) & 0x7fffffff) >> shift) & mask);
    return;
  }
  const above = shift + width;
  for (let at = values; at < end; at += 4) {
    const pattern = load<u32>(at) & 0x7fffffff;
    // A shift by 32 would be one by 0.
    if (<u64>pattern >> above == <u64>prefix) increment(bins, (pattern >> shift) & mask);
  }
}

function wideValues(values: usize, count: usize, bins: usize, shift: u64, width: u64, prefix: i64): void {
  const mask: u64 = (<u64>1 << width) - 1;
  const above = shift + width;
  const end = values + (count << 3);
  for (let at = values; at < end; at += 8) {
    const pattern = load<u64>(at) & 0x7fffffffffffffff;
    if (prefix >= 0 && (above > 63 ? 0 : pattern >> above) != <u64>prefix) continue;
    increment(bins, <u32>(pattern >> shift & mask));
  }
}

@inline function increment(bins: usize, bin: u32): void {
  const address = bins + (<usize>bin << 2);
  store<u32>(address, load<u32>(address) + 1);
}
