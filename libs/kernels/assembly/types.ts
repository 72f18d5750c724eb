// Element types by number, as the loader passes them.
export const F64: i32 = 0;
export const F32: i32 = 1;
export const F16: i32 = 2;
export const BF16: i32 = 3;

// Where a function is made for each input type, AssemblyScript's own types stand for them: f64, f32, u16 for F16, i16 for BF16.

@inline export function bytesOf<T>(): usize {
  return sizeof<T>();
}

@inline export function isF16<T>(): bool {
  return sizeof<T>() == 2 && !isSigned<T>();
}

@inline export function isBF16<T>(): bool {
  return sizeof<T>() == 2 && isSigned<T>();
}

/** Bytes of an element of a type. */
@inline export function sizeOf(type: i32): usize {
  return type == F64 ? 8 : type == F32 ? 4 : 2;
}
