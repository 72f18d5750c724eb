import { excerpt, quote } from "#libs/text";
import { type Dtype, isDtype, tensorBytes } from "./dtypes.ts";
import { SafetensorsError } from "./errors.ts";
import { Inexact, type JsonValue, parseStrictJson } from "./json.ts";

/** Where one tensor lies. `begin` and `end` are bytes relative to `dataOffset` of the header. */
export type TensorEntry = { readonly dtype: Dtype; readonly shape: readonly number[]; readonly begin: number; readonly end: number };

/** The validated header of a file. Tensors are in the order in which their bytes lie in the file. */
export type SafetensorsHeader = {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** First byte of the data, counted from the start of the file. */
  readonly dataOffset: number;
};

/** What a reader accepts. */
export type SafetensorsLimits = { readonly maxHeaderBytes: number };

/** Bytes of the header length that a file begins with. */
export const LENGTH_BYTES = 8;
/** The limit of the reference library: 100 MB of header describe more than 500,000 tensors. */
export const MAX_HEADER_BYTES = 100_000_000;
/** The key of the header that holds the metadata. */
export const METADATA_KEY = "__metadata__";

const DEFAULT_LIMITS: SafetensorsLimits = { maxHeaderBytes: MAX_HEADER_BYTES };

/**
 * Bytes of the JSON header, from the first 8 bytes of a file of `fileSize` bytes.
 * Throws SafetensorsError (file-too-short, header-over-limit, header-past-end).
 */
export function safetensorsHeaderLength(bytes: Uint8Array, fileSize: number, limits = DEFAULT_LIMITS): number {
  if (bytes.length < LENGTH_BYTES || fileSize < LENGTH_BYTES) {
    throw new SafetensorsError(
      "file-too-short",
      `it has ${Math.min(bytes.length, fileSize)} bytes, the header length alone needs ${LENGTH_BYTES}`,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(limits.maxHeaderBytes)) {
    throw new SafetensorsError("header-over-limit", `the header says it has ${length} bytes, the limit is ${limits.maxHeaderBytes}`);
  }
  if (LENGTH_BYTES + Number(length) > fileSize) {
    throw new SafetensorsError("header-past-end", `the header says it has ${length} bytes, the file has ${fileSize}`);
  }
  return Number(length);
}

/**
 * Parses and validates a header. `bytes` is the beginning of the file and holds at least the whole header; `fileSize` is the
 * size of the whole file. Every byte after the header must belong to exactly one tensor. Throws SafetensorsError.
 * @example
 * ```ts
 * const file = saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(0.5, -2) }]]), { format: "pt" });
 * const { tensors, metadata } = parseSafetensorsHeader(file, file.length);
 * tensors.get("w"); // { dtype: "F32", shape: [2], begin: 0, end: 8 }
 * metadata.get("format"); // "pt"
 * ```
 */
export function parseSafetensorsHeader(bytes: Uint8Array, fileSize: number, limits = DEFAULT_LIMITS): SafetensorsHeader {
  const dataOffset = LENGTH_BYTES + safetensorsHeaderLength(bytes, fileSize, limits);
  if (bytes.length < dataOffset) throw new RangeError(`${bytes.length} bytes were given, the header ends at ${dataOffset}`);
  const header = parseJson(bytes.subarray(LENGTH_BYTES, dataOffset));
  const tensors: [string, TensorEntry][] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of header) {
    if (name === METADATA_KEY) metadata = parseMetadata(value);
    else tensors.push([name, parseEntry(name, value)]);
  }
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCoverage(tensors, fileSize - dataOffset);
  return { tensors: new Map(tensors), metadata, dataOffset };
}

function parseJson(bytes: Uint8Array): Map<string, JsonValue> {
  // Before UTF-8 and JSON: the format demands this very byte, so that tools can tell the file from others at a glance.
  if (bytes[0] !== 0x7b) throw new SafetensorsError("header-start", 'the header does not begin with "{"');
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SafetensorsError("header-not-utf8", "the header is not UTF-8", { cause });
  }
  return parseStrictJson(text) as Map<string, JsonValue>;
}

function parseMetadata(value: JsonValue): Map<string, string> {
  if (!(value instanceof Map)) throw new SafetensorsError("metadata", `${METADATA_KEY} is not an object`);
  const metadata = new Map<string, string>();
  for (const [key, text] of value) {
    if (typeof text !== "string") throw new SafetensorsError("metadata", `${METADATA_KEY}.${excerpt(key)} is not a string`);
    metadata.set(key, text);
  }
  return metadata;
}

function parseEntry(name: string, value: JsonValue): TensorEntry {
  const label = labelOf(name);
  if (!(value instanceof Map)) throw new SafetensorsError("entry", `${label} is not an object`);
  for (const key of ["dtype", "shape", "data_offsets"]) {
    if (!value.has(key)) throw new SafetensorsError("entry", `${label} has no ${key}`);
  }
  const dtype = value.get("dtype");
  if (!isDtype(dtype)) throw new SafetensorsError("dtype", `${label} has the dtype ${show(dtype)}, which safetensors does not know`);
  const shape = parseShape(label, value.get("shape"));
  const [begin, end] = parseOffsets(label, value.get("data_offsets"));
  const needed = bytesNeeded(label, dtype, shape);
  if (end - begin !== needed) {
    throw new SafetensorsError(
      "size-mismatch",
      `${label} is ${dtype} [${excerpt(shape.join(", "))}] and needs ${needed} bytes, its offsets span ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
}

function parseShape(label: string, value: JsonValue | undefined): number[] {
  if (!Array.isArray(value)) throw new SafetensorsError("shape", `the shape of ${label} is not a list`);
  return value.map((dimension) => {
    if (typeof dimension !== "number" || dimension < 0) {
      throw new SafetensorsError("shape", `${label} has the dimension ${show(dimension)}, expected a whole number of at least 0`);
    }
    return dimension;
  });
}

function parseOffsets(label: string, value: JsonValue | undefined): [number, number] {
  const [begin, end] = Array.isArray(value) && value.length === 2 ? value : [];
  if (typeof begin !== "number" || typeof end !== "number" || begin < 0 || end < begin) {
    throw new SafetensorsError(
      "offsets",
      `${label} has the offsets ${show(value)}, expected two whole numbers [begin, end] with 0 ≤ begin ≤ end`,
    );
  }
  return [begin, end];
}

function bytesNeeded(label: string, dtype: Dtype, shape: readonly number[]): number {
  try {
    return tensorBytes(dtype, shape);
  } catch (cause) {
    throw new SafetensorsError("shape-overflow", `${label}: ${excerpt((cause as Error).message)}`, { cause });
  }
}

/** Walks the tensors in file order: each begins where the one before ends, the first at 0, and the last ends with the file. */
function checkCoverage(tensors: readonly [string, TensorEntry][], dataBytes: number): void {
  let cursor = 0;
  let previous = "";
  for (const [name, { begin, end }] of tensors) {
    const label = labelOf(name);
    if (begin < cursor)
      throw new SafetensorsError("overlap", `${label} begins at ${begin}, inside ${labelOf(previous)} that ends at ${cursor}`);
    if (begin > cursor) throw new SafetensorsError("hole", `bytes ${cursor} to ${begin}, before ${label}, belong to no tensor`);
    if (end > dataBytes) throw new SafetensorsError("data-past-end", `${label} ends at byte ${end} of the data, the file has ${dataBytes}`);
    cursor = end;
    previous = name;
  }
  if (cursor < dataBytes) throw new SafetensorsError("trailing-bytes", `${dataBytes - cursor} bytes after the last tensor belong to none`);
}

function show(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${excerpt(value.slice(0, SHOWN).map(show).join(", "))}]`;
  if (value instanceof Map) return "an object";
  return excerpt(value instanceof Inexact ? value.literal : JSON.stringify(value));
}

/** Numbers of a list that are shown. */
const SHOWN = 200;

function labelOf(name: string): string {
  return `tensor ${quote(name)}`;
}
