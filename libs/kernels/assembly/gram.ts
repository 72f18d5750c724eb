import { high, load4, loadOne, low } from "./load";
import { inputs } from "./mean";
import { bytesOf, F16, F32, F64, sizeOf } from "./types";

// Columns that are taken at once: as f64 they lie in `rows`, one row for each input, and stay in the first cache.
const COLUMNS: usize = 256;
const ROW: usize = COLUMNS * 8;
const rows: usize = memory.data(64 * 256 * 8, 64);
/** The sums of even and of odd columns for each pair of inputs. */
const sums: usize = memory.data(64 * 64 * 16, 64);

/** Dot products of `many` inputs, or of their differences to `base` if it is not 0. */
export function gram(type: i32, many: i32, base: usize, count: usize, out: usize): void {
  memory.fill(sums, 0, 64 * 64 * 16);
  for (let first: usize = 0; first < count; first += COLUMNS) {
    const columns = min(COLUMNS, count - first);
    for (let k = 0; k < many; k++) {
      const row = rows + <usize>k * ROW;
      const from = load<usize>(inputs + (<usize>k << 2)) + first * sizeOf(type);
      widenRow(type, from, base == 0 ? 0 : base + first * sizeOf(type), columns, row);
    }
    products(many, columns);
  }
  for (let i = 0; i < many; i++) {
    for (let j = i; j < many; j++) {
      const sum = sums + (<usize>(i << 6 | j) << 4);
      const product = load<f64>(sum) + load<f64>(sum, 8);
      store<f64>(out + (<usize>(i * many + j) << 3), product);
      store<f64>(out + (<usize>(j * many + i) << 3), product);
    }
  }
}

/** One row as f64, less the base. An odd number of columns is filled up by a zero, which changes no sum that is not -0. */
function widenRow(type: i32, from: usize, base: usize, columns: usize, row: usize): void {
  if (type == F32) widenInto<f32>(from, base, columns & ~3, row);
  else if (type == F64) widenInto<f64>(from, base, columns & ~3, row);
  else if (type == F16) widenInto<u16>(from, base, columns & ~3, row);
  else widenInto<i16>(from, base, columns & ~3, row);
  for (let i = columns & ~3; i < columns; i++) {
    let value = loadOne(type, from + i * sizeOf(type));
    if (base != 0) value -= loadOne(type, base + i * sizeOf(type));
    store<f64>(row + (i << 3), value);
  }
  if (columns & 1) store<f64>(row + (columns << 3), 0);
}

function widenInto<T>(from: usize, base: usize, columns: usize, row: usize): void {
  for (let i: usize = 0; i < columns; i += 4) {
    let a = first<T>(from + i * bytesOf<T>());
    let b = second<T>(from + i * bytesOf<T>());
    if (base != 0) {
      a = f64x2.sub(a, first<T>(base + i * bytesOf<T>()));
      b = f64x2.sub(b, second<T>(base + i * bytesOf<T>()));
    }
    v128.store(row + (i << 3), a);
    v128.store(row + (i << 3), b, 16);
  }
}

@inline function first<T>(address: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(address);
  return low(load4<T>(address));
}

@inline function second<T>(address: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(address, 16);
  return high(load4<T>(address));
}

/** Adds the products of these columns, in tiles of 3 × 3 pairs, whose sums fit into registers. */
function products(many: i32, columns: usize): void {
  for (let i = 0; i < many; i += 3) {
    for (let j = i; j < many; j += 3) {
      if (i + 3 <= many && j + 3 <= many) tile(i, j, columns);
      else edge(i, j, many, columns);
    }
  }
}

@inline function sumOf(i: i32, j: i32): usize {
  return sums + (<usize>(i << 6 | j) << 4);
}

function tile(i: i32, j: i32, columns: usize): void {
  const left = rows + <usize>i * ROW;
  const right = rows + <usize>j * ROW;
  const end = ((columns + 1) & ~1) << 3;
  let s00 = v128.load(sumOf(i, j));
  let s01 = v128.load(sumOf(i, j + 1));
  let s02 = v128.load(sumOf(i, j + 2));
  let s10 = v128.load(sumOf(i + 1, j));
  let s11 = v128.load(sumOf(i + 1, j + 1));
  let s12 = v128.load(sumOf(i + 1, j + 2));
  let s20 = v128.load(sumOf(i + 2, j));
  let s21 = v128.load(sumOf(i + 2, j + 1));
  let s22 = v128.load(sumOf(i + 2, j + 2));
  for (let at: usize = 0; at < end; at += 16) {
    const a = v128.load(right + at);
    const b = v128.load(right + at, ROW);
    const c = v128.load(right + at, 2 * ROW);
    let x = v128.load(left + at);
    s00 = f64x2.add(s00, f64x2.mul(x, a));
    s01 = f64x2.add(s01, f64x2.mul(x, b));
    s02 = f64x2.add(s02, f64x2.mul(x, c));
    x = v128.load(left + at, ROW);
    s10 = f64x2.add(s10, f64x2.mul(x, a));
    s11 = f64x2.add(s11, f64x2.mul(x, b));
    s12 = f64x2.add(s12, f64x2.mul(x, c));
    x = v128.load(left + at, 2 * ROW);
    s20 = f64x2.add(s20, f64x2.mul(x, a));
    s21 = f64x2.add(s21, f64x2.mul(x, b));
    s22 = f64x2.add(s22, f64x2.mul(x, c));
  }
  v128.store(sumOf(i, j), s00);
  v128.store(sumOf(i, j + 1), s01);
  v128.store(sumOf(i, j + 2), s02);
  v128.store(sumOf(i + 1, j), s10);
  v128.store(sumOf(i + 1, j + 1), s11);
  v128.store(sumOf(i + 1, j + 2), s12);
  v128.store(sumOf(i + 2, j), s20);
  v128.store(sumOf(i + 2, j + 1), s21);
  v128.store(sumOf(i + 2, j + 2), s22);
}

/** A tile that is cut off at the last input. */
function edge(i: i32, j: i32, many: i32, columns: usize): void {
  const end = ((columns + 1) & ~1) << 3;
  for (let a = i; a < min(i + 3, many); a++) {
    for (let b = max(a, j); b < min(j + 3, many); b++) {
      const left = rows + <usize>a * ROW;
      const right = rows + <usize>b * ROW;
      let sum = v128.load(sumOf(a, b));
      for (let at: usize = 0; at < end; at += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(left + at), v128.load(right + at)));
      v128.store(sumOf(a, b), sum);
    }
  }
}
