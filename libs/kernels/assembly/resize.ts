const FRACTION_BITS: i32 = 22;
const HALF: i32 = 1 << 21;

@inline function widen(word: v128): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(word));
}

/** Each number of an output line is a weighted sum of neighbours in the input line. Three channels are summed at once, with a fourth that nobody wants. */
export function resizeLines(
  from: usize, lineBytes: usize, lines: usize, channels: usize,
  out: usize, width: usize, first: usize, counts: usize, weights: usize, stride: usize,
): void {
  let to = out;
  for (let y: usize = 0; y < lines; y++) {
    const line = from + y * lineBytes;
    for (let x: usize = 0; x < width; x++) {
      const begin = line + <usize>load<i32>(first + (x << 2)) * channels;
      const count = <usize>load<i32>(counts + (x << 2));
      const row = weights + ((x * stride) << 2);
      if (channels == 3) {
        let sum = i32x4.splat(HALF);
        for (let k: usize = 0; k < count; k++) {
          sum = i32x4.add(sum, i32x4.mul(widen(v128.load32_zero(begin + k * 3)), v128.load32_splat(row + (k << 2))));
        }
        const shifted = i32x4.shr_s(sum, FRACTION_BITS);
        const halves = i16x8.narrow_i32x4_s(shifted, shifted);
        // The fourth byte is overwritten by the next number.
        v128.store32_lane(to, i8x16.narrow_i16x8_u(halves, halves), 0);
        to += 3;
      } else {
        for (let channel: usize = 0; channel < channels; channel++) {
          let sum = HALF;
          for (let k: usize = 0; k < count; k++) {
            sum += <i32>load<u8>(begin + k * channels + channel) * load<i32>(row + (k << 2));
          }
          store<u8>(to++, sum >> FRACTION_BITS);
        }
      }
    }
  }
}

/** Each output line is a weighted sum of neighbouring input lines. */
export function resizeColumns(
  from: usize, lineBytes: usize,
  out: usize, height: usize, first: usize, counts: usize, weights: usize, stride: usize,
): void {
  const end = lineBytes & ~15;
  for (let y: usize = 0; y < height; y++) {
    const begin = from + <usize>load<i32>(first + (y << 2)) * lineBytes;
    const count = <usize>load<i32>(counts + (y << 2));
    const row = weights + ((y * stride) << 2);
    const line = out + y * lineBytes;
    for (let i: usize = 0; i < end; i += 16) {
      let a = i32x4.splat(HALF);
      let b = a;
      let c = a;
      let d = a;
      for (let k: usize = 0; k < count; k++) {
        const bytes = v128.load(begin + k * lineBytes + i);
        const weight = v128.load32_splat(row + (k << 2));
        const low = i16x8.extend_low_i8x16_u(bytes);
        const high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), weight));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), weight));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), weight));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), weight));
      }
      const low = i16x8.narrow_i32x4_s(i32x4.shr_s(a, FRACTION_BITS), i32x4.shr_s(b, FRACTION_BITS));
      const high = i16x8.narrow_i32x4_s(i32x4.shr_s(c, FRACTION_BITS), i32x4.shr_s(d, FRACTION_BITS));
      v128.store(line + i, i8x16.narrow_i16x8_u(low, high));
    }
    for (let i = end; i < lineBytes; i++) {
      let sum = HALF;
      for (let k: usize = 0; k < count; k++) sum += <i32>load<u8>(begin + k * lineBytes + i) * load<i32>(row + (k << 2));
      store<u8>(line + i, sum >> FRACTION_BITS);
    }
  }
}
