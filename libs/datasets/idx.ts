import { counted } from "#libs/text";
/** An idx file (the format of MNIST): bytes with a shape, C order. `data` is a view of the file. */
export type IdxArray = { readonly shape: readonly number[]; readonly data: Uint8Array };

/** What is wrong with an idx file: its magic number, or its length. */
export type IdxRule = "magic" | "truncated" | "trailing";

/** A file that is not valid idx. The message says what was expected and what was found. */
export class IdxError extends Error {
  readonly rule: IdxRule;

  constructor(rule: IdxRule, message: string) {
    super(`not a valid idx file: ${message}`);
    this.name = "IdxError";
    this.rule = rule;
  }
}

// The magic number is 0, 0, the element type and the number of dimensions. 8 is unsigned bytes, the only type that we use.
const UNSIGNED_BYTES = 0x08;
const MAGIC_BYTES = 4;
const DIMENSION_BYTES = 4;
const MOST_DIMENSIONS = 8;

/**
 * Parses an idx file of unsigned bytes; `dimensions`, when given, is the number it must have (3 for images, 1 for labels).
 * Throws IdxError: magic (with what was expected and found), truncated and trailing (with the bytes expected and found).
 * @example
 * ```ts
 * const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9);
 * const { shape, data } = parseIdx(file, 2);
 * [shape, ...data]; // [[1, 3], 7, 8, 9]
 * ```
 */
export function parseIdx(bytes: Uint8Array, dimensions?: number): IdxArray {
  if (bytes.length < MAGIC_BYTES)
    throw new IdxError("truncated", `it has ${bytes.length} bytes, the magic number alone needs ${MAGIC_BYTES}`);
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = words.getUint32(0);
  const rank = magic & 0xff;
  const right = magic >>> 8 === UNSIGNED_BYTES && rank >= 1 && rank <= MOST_DIMENSIONS && (dimensions === undefined || rank === dimensions);
  if (!right) throw new IdxError("magic", `the magic number is ${hex(magic)}${hint(magic)}, expected ${expectedMagic(dimensions)}`);
  const begin = MAGIC_BYTES + rank * DIMENSION_BYTES;
  if (bytes.length < begin) throw new IdxError("truncated", `it has ${bytes.length} bytes, ${rank} dimensions alone need ${begin}`);
  const shape = Array.from({ length: rank }, (_, i) => words.getUint32(MAGIC_BYTES + i * DIMENSION_BYTES));
  const expected = begin + shape.reduce((a, b) => a * b, 1);
  if (bytes.length < expected) {
    throw new IdxError(
      "truncated",
      `it is cut short: the shape [${shape.join(", ")}] needs ${expected} bytes, the file has ${bytes.length}`,
    );
  }
  if (bytes.length > expected) {
    throw new IdxError("trailing", `the shape [${shape.join(", ")}] needs ${expected} bytes, the file has ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(begin) };
}

function expectedMagic(dimensions: number | undefined): string {
  if (dimensions === undefined) return `${hex(0x0801)} (unsigned bytes, 1 dimension) to ${hex(0x0800 + MOST_DIMENSIONS)}`;
  return `${hex(0x0800 + dimensions)} (unsigned bytes, ${counted(dimensions, "dimension")})`;
}

function hint(magic: number): string {
  return magic >>> 16 === 0x1f8b ? " (a gzip file: unpack it first)" : "";
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, "0")}`;
}
