import type { Dtype } from "./dtypes.ts";

type Values = Float64Array | Float32Array;
type Read = (bytes: Uint8Array, out: Values) => void;

const READ = {
  BOOL: elements(Uint8Array),
  U8: elements(Uint8Array),
  I8: elements(Int8Array),
  I16: elements(Int16Array),
  U16: elements(Uint16Array),
  I32: elements(Int32Array),
  U32: elements(Uint32Array),
  I64: bigElements(BigInt64Array),
  U64: bigElements(BigUint64Array),
  // F8_E4M3 (the "fn" form) has no infinities and one NaN per sign.
  F8_E5M2: patterns(Uint8Array, { exponentBits: 5, mantissaBits: 2, infinities: true }),
  F8_E4M3: patterns(Uint8Array, { exponentBits: 4, mantissaBits: 3, infinities: false }),
  F16: patterns(Uint16Array, { exponentBits: 5, mantissaBits: 10, infinities: true }),
  BF16: patterns(Uint16Array, { exponentBits: 8, mantissaBits: 7, infinities: true }),
  F32: elements(Float32Array),
  F64: elements(Float64Array),
} as const satisfies Partial<Record<Dtype, Read>>;

/** An element type whose values `widen` can read. */
export type WidenableDtype = keyof typeof READ;

/**
 * True where `widen` can read the values of a type.
 * @example
 * ```ts
 * isWidenable("F8_E4M3"); // true
 * isWidenable("F4"); // false
 * ```
 */
export function isWidenable(dtype: Dtype): dtype is WidenableDtype {
  return Object.hasOwn(READ, dtype);
}

/**
 * Reads little-endian elements into `out`, one for one. Exact into Float64Array, also from 64-bit integers: one beyond ±2^53
 * is a RangeError. Into Float32Array types wider than F32's 24 bits round to nearest, ties to even. NaN stays NaN.
 * Throws RangeError where `bytes` and `out` differ in length, TypeError for a type that it cannot read.
 * @example
 * ```ts
 * const out = new Float32Array(2);
 * widen("BF16", Uint8Array.of(0x80, 0x3f, 0x00, 0xc0), out);
 * [...out]; // [1, -2]
 * ```
 */
export function widen(dtype: Dtype, bytes: Uint8Array, out: Float64Array | Float32Array): void {
  if (!isWidenable(dtype)) throw new TypeError(`cannot read ${dtype} as numbers`);
  READ[dtype](bytes, out);
}

type ViewConstructor<T> = { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, byteOffset: number, length: number): T };

/** The bytes as elements, without a copy where they are aligned. Our runtimes' platforms are little-endian, as the files are. */
function view<T>(bytes: Uint8Array, type: ViewConstructor<T>, length: number): T {
  const size = type.BYTES_PER_ELEMENT;
  if (bytes.length !== length * size) throw new RangeError(`${length} elements of ${size} bytes were asked for, got ${bytes.length} bytes`);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new type(aligned.buffer, aligned.byteOffset, length);
}

function elements(type: ViewConstructor<ArrayLike<number>>): Read {
  return (bytes, out) => out.set(view(bytes, type, out.length));
}

function bigElements(type: ViewConstructor<ArrayLike<bigint>>): Read {
  return (bytes, out) => {
    const values = view(bytes, type, out.length);
    for (let i = 0; i < out.length; i++) {
      const value = Number(values[i]!);
      if (!Number.isSafeInteger(value)) throw new RangeError(`the integer ${values[i]} at index ${i} is beyond ±2^53`);
      out[i] = value;
    }
  };
}

type Format = { readonly exponentBits: number; readonly mantissaBits: number; readonly infinities: boolean };

/** Reads a type of at most 16 bits by a table of all its patterns, made on first use: faster than bit operations. */
function patterns(type: ViewConstructor<ArrayLike<number>>, format: Format): Read {
  let table: Float32Array | undefined;
  return (bytes, out) => {
    table ??= valueTable(format);
    const indices = view(bytes, type, out.length);
    for (let i = 0; i < out.length; i++) out[i] = table[indices[i]!]!;
  };
}

function valueTable({ exponentBits, mantissaBits, infinities }: Format): Float32Array {
  const half = 2 ** (exponentBits + mantissaBits);
  const bias = 2 ** (exponentBits - 1) - 1;
  const table = new Float32Array(2 * half);
  for (let pattern = 0; pattern < half; pattern++) {
    const exponent = pattern >>> mantissaBits;
    const mantissa = pattern & (2 ** mantissaBits - 1);
    const last = exponent === 2 ** exponentBits - 1;
    let value =
      exponent === 0 ? mantissa * 2 ** (1 - bias - mantissaBits) : (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits);
    if (last && infinities) value = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    if (last && !infinities && mantissa === 2 ** mantissaBits - 1) value = Number.NaN;
    table[pattern] = value;
    table[half + pattern] = -value;
  }
  return table;
}
