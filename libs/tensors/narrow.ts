import type { Dtype } from "./dtypes.ts";

/** Element types that `narrow` can write. */
export type NarrowDtype = "F64" | "F32" | "F16" | "BF16";

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;

/** True for a type that `narrow` can write. */
export function isNarrowable(dtype: Dtype): dtype is NarrowDtype {
  return Object.hasOwn(BYTES, dtype);
}

// One NaN, whatever NaN came in: its payload and sign are left to the engine by the language, so they cannot be kept.
const NAN_F32 = 0x7fc00000;
const NAN_BF16 = 0x7fc0;
const NAN_F16 = 0x7e00;

/**
 * Writes values as little-endian elements of a type, each rounded once: to nearest, ties to even. Too large becomes infinity,
 * NaN the type's one quiet NaN. Throws RangeError unless `out` has exactly the bytes for `values`.
 * @example
 * ```ts
 * const out = new Uint8Array(4);
 * narrow("F16", Float64Array.of(2049, 1e6), out);
 * [...new Uint16Array(out.buffer)]; // [0x6800, 0x7c00]
 * ```
 */
export function narrow(dtype: NarrowDtype, values: Float64Array | Float32Array, out: Uint8Array): void {
  if (out.length !== values.length * BYTES[dtype]) {
    throw new RangeError(
      `${values.length} elements of ${BYTES[dtype]} bytes need ${values.length * BYTES[dtype]} bytes, got ${out.length}`,
    );
  }
  const elements = narrowInto(dtype, values);
  out.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
}

function narrowInto(dtype: NarrowDtype, values: Float64Array | Float32Array): Float64Array | Uint32Array | Uint16Array {
  switch (dtype) {
    case "F64":
      return Float64Array.from(values, (value) => (Number.isNaN(value) ? NaN : value));
    case "F32":
      return toFloat32Bits(values);
    case "F16":
      return Uint16Array.from(toOddFloat32Bits(values), float16Bits);
    case "BF16":
      return Uint16Array.from(toOddFloat32Bits(values), bfloat16Bits);
    default:
      throw dtype satisfies never;
  }
}

function toFloat32Bits(values: Float64Array | Float32Array): Uint32Array {
  const floats = Float32Array.from(values);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) bits[i] = NAN_F32;
  return bits;
}

/**
 * Float32 patterns rounded to odd: towards zero, then the last bit set if anything was lost. Rounding such a value again, to a type
 * with at least two bits fewer, gives what rounding the original once gives; rounding to nearest twice does not.
 */
function toOddFloat32Bits(values: Float64Array | Float32Array): Uint32Array {
  const bits = toFloat32Bits(values);
  if (values instanceof Float32Array) return bits;
  const rounded = new Float32Array(bits.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const near = rounded[i]!;
    if (near === value || Number.isNaN(value)) continue;
    if (Math.abs(near) > Math.abs(value)) bits[i]! -= 1;
    bits[i]! |= 1;
  }
  return bits;
}

function bfloat16Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return NAN_BF16;
  // Adding half of what is dropped, less one, plus the last kept bit: carries exactly where nearest-even rounds up.
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return NAN_F16;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and above; below it rounding may still carry into infinity
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13); // normal: 2^-14 and above
  if (magnitude < 0x33000000) return sign; // below 2^-25, half of the smallest
  // Subnormal: the mantissa with its hidden bit, in units of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const lost = mantissa - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return sign | (lost > half || (lost === half && (kept & 1) === 1) ? kept + 1 : kept);
}
