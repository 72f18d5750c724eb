import { f32Patterns } from "./round";
import { F32 } from "./types";

/** from - minus, element by element, rounded once; NaN is the one quiet NaN. `type` is F32 or F64. */
export function difference(type: i32, from: usize, minus: usize, out: usize, count: usize): void {
  if (type == F32) singles(from, minus, out, count);
  else doubles(from, minus, out, count);
}

function singles(from: usize, minus: usize, out: usize, count: usize): void {
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    const offset = i << 2;
    v128.store(out + offset, f32Patterns(f32x4.sub(v128.load(from + offset), v128.load(minus + offset))));
  }
  for (let i = end; i < count; i++) {
    const offset = i << 2;
    const value = load<f32>(from + offset) - load<f32>(minus + offset);
    if (value == value) store<f32>(out + offset, value);
    else store<u32>(out + offset, 0x7fc00000);
  }
}

function doubles(from: usize, minus: usize, out: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const offset = i << 3;
    const value = load<f64>(from + offset) - load<f64>(minus + offset);
    if (value == value) store<f64>(out + offset, value);
    else store<u64>(out + offset, 0x7ff8000000000000);
  }
}
