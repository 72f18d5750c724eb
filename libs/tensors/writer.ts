import { type Dtype, dtypes, tensorBytes } from "./dtypes.ts";
import { LENGTH_BYTES, METADATA_KEY } from "./header.ts";

/** Name, element type and shape of a tensor. */
export type TensorLayout = { readonly name: string; readonly dtype: Dtype; readonly shape: readonly number[] };
/** A tensor with its bytes, little-endian, in C order. */
export type TensorData = TensorLayout & { readonly data: Uint8Array };
/** What a file says about itself: strings only. */
export type Metadata = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

/** How a file will be laid out, before its data is there. */
export type SafetensorsPlan = {
  /** The first bytes of the file, header length included. */
  readonly header: Uint8Array;
  /** Size of the whole file. */
  readonly size: number;
  /** First and last byte (exclusive) of each tensor in the file. The order is the order of the file. */
  readonly offsets: ReadonlyMap<string, { readonly begin: number; readonly end: number }>;
};

// The reference library pads the header so that the data begins at a multiple of 8, the largest alignment of a type.
const ALIGNMENT = 8;

/**
 * Lays out a file: tensors by descending rank of their type (so by descending alignment), then by name in UTF-8 order;
 * metadata by key. The same tensors give the same bytes, whatever order they come in; they are those of the reference library.
 * Throws RangeError for a name that is used twice, is reserved or is not well-formed, and for a shape without exact size.
 * @example
 * ```ts
 * const layout = [{ name: "steps", dtype: "I64", shape: [] }, { name: "w", dtype: "F16", shape: [3] }] as const;
 * const { header, size, offsets } = planSafetensors(layout);
 * size - header.length; // 14
 * offsets.get("w")!.begin - header.length; // 8
 * ```
 */
export function planSafetensors(layout: readonly TensorLayout[], metadata: Metadata = {}): SafetensorsPlan {
  const names = new Set<string>();
  for (const { name } of layout) {
    if (names.has(name)) throw new RangeError(`two tensors are named ${JSON.stringify(name)}`);
    if (name === METADATA_KEY) throw new RangeError(`a tensor cannot be named ${METADATA_KEY}`);
    if (!name.isWellFormed()) throw new RangeError(`the name ${JSON.stringify(name)} holds half of a surrogate pair`);
    names.add(name);
  }
  const entries: string[] = [];
  const pairs = [...(metadata instanceof Map ? metadata : Object.entries(metadata))].sort(([a], [b]) => compareUtf8(a, b));
  if (pairs.length > 0)
    entries.push(`"${METADATA_KEY}":{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`);
  const sizes: [string, number, number][] = [];
  let cursor = 0;
  for (const { name, dtype, shape } of [...layout].sort(compareLayout)) {
    const end = cursor + tensorBytes(dtype, shape);
    entries.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${cursor},${end}]}`);
    sizes.push([name, cursor, end]);
    cursor = end;
  }
  const header = encodeHeader(`{${entries.join(",")}}`);
  const offsets = new Map(sizes.map(([name, begin, end]) => [name, { begin: header.length + begin, end: header.length + end }]));
  return { header, size: header.length + cursor, offsets };
}

/**
 * A whole file in memory. Throws RangeError where the bytes of a tensor are not as many as its type and shape need.
 * @example
 * ```ts
 * const file = writeSafetensors([{ name: "mask", dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) }]);
 * [...file.subarray(-2)]; // [1, 0]
 * new TextDecoder().decode(file.subarray(8, -2)).trim(); // '{"mask":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}'
 * ```
 */
export function writeSafetensors(tensors: readonly TensorData[], metadata?: Metadata): Uint8Array {
  const plan = planSafetensors(tensors, metadata);
  const file = new Uint8Array(plan.size);
  file.set(plan.header);
  for (const { name, dtype, shape, data } of tensors) {
    const { begin, end } = plan.offsets.get(name)!;
    if (data.length !== end - begin) {
      throw new RangeError(
        `tensor ${JSON.stringify(name)} is ${dtype} [${shape.join(", ")}] and needs ${end - begin} bytes, got ${data.length}`,
      );
    }
    file.set(data, begin);
  }
  return file;
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, LENGTH_BYTES);
  return header;
}

function compareLayout(a: TensorLayout, b: TensorLayout): number {
  return dtypes.get(b.dtype)!.rank - dtypes.get(a.dtype)!.rank || compareUtf8(a.name, b.name);
}

/** Order of the UTF-8 bytes. JavaScript's own order is that of UTF-16, which differs beyond the basic plane. */
function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
