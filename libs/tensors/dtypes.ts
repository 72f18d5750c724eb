/**
 * Element types of safetensors, in the order of the reference library: the rank of a type is its place here.
 * The order is by ascending alignment; a writer puts tensors in descending rank, so every tensor is aligned to its elements.
 */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** Name of an element type as safetensors spells it. */
export type Dtype = keyof typeof BITS;

/** One element type: bits per element, and its rank in the writer's order. */
export type DtypeInfo = { readonly bits: number; readonly rank: number };

/** All element types by name. */
export const dtypes: ReadonlyMap<string, DtypeInfo> = new Map(Object.entries(BITS).map(([name, bits], rank) => [name, { bits, rank }]));

/**
 * True for a name that safetensors knows.
 * @example
 * ```ts
 * isDtype("BF16"); // true
 * isDtype("bfloat16"); // false
 * ```
 */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && dtypes.has(name);
}

/**
 * Bytes of a tensor. Throws RangeError where a dimension is not a whole number ≥ 0, where the product leaves the range of
 * exact integers (2^53), or where elements smaller than a byte do not fill whole bytes.
 * @example
 * ```ts
 * tensorBytes("F32", [2, 3]); // 24
 * tensorBytes("F4", [2, 3]); // 3
 * tensorBytes("F64", []); // 8
 * ```
 */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number {
  let bits: number = BITS[dtype];
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0)
      throw new RangeError(`dimension ${dimension} is not a whole number of at least 0`);
    bits *= dimension;
    if (bits > Number.MAX_SAFE_INTEGER)
      throw new RangeError(`the shape [${shape.join(", ")}] has more elements than can be counted exactly`);
  }
  if (bits % 8 !== 0) throw new RangeError(`${bits} bits of ${dtype} are not whole bytes`);
  return bits / 8;
}
