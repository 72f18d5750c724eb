import { high, load4, loadOne, low } from "./load";
import { write4, writeOne } from "./round";
import { BF16, bytesOf, F16, F32, F64, sizeOf } from "./types";

export function widen(type: i32, from: usize, to: usize, toType: i32, count: usize): void {
  if (type == toType) return memory.copy(to, from, count * sizeOf(type));
  const end = count & ~3;
  if (type == F32) widenFours<f32>(from, to, toType, end);
  else if (type == F16) widenFours<u16>(from, to, toType, end);
  else widenFours<i16>(from, to, toType, end);
  for (let i = end; i < count; i++) writeOne(toType, to + i * sizeOf(toType), loadOne(type, from + i * sizeOf(type)));
}

function widenFours<T>(from: usize, to: usize, toType: i32, end: usize): void {
  for (let i: usize = 0; i < end; i += 4) {
    const four = load4<T>(from + i * bytesOf<T>());
    if (toType == F32) {
      v128.store(to + (i << 2), four);
    } else {
      v128.store(to + (i << 3), low(four));
      v128.store(to + (i << 3), high(four), 16);
    }
  }
}

export function narrow(from: usize, type: i32, to: usize, count: usize): void {
  const end = count & ~3;
  if (type == F32) narrowFours(from, F32, to, end);
  else if (type == F16) narrowFours(from, F16, to, end);
  else if (type == BF16) narrowFours(from, BF16, to, end);
  else narrowFours(from, F64, to, end);
  for (let i = end; i < count; i++) writeOne(type, to + i * sizeOf(type), load<f64>(from + (i << 3)));
}

/** One loop for each type, as `type` is known where it is put in. */
@inline function narrowFours(from: usize, type: i32, to: usize, end: usize): void {
  for (let i: usize = 0; i < end; i += 4) {
    write4(type, to + i * sizeOf(type), v128.load(from + (i << 3)), v128.load(from + (i << 3), 16));
  }
}
