/** Bytes of an opcode or several, and texts as latin-1. */
export type Part = number | string | Uint8Array | readonly Part[];

/** A pickle by hand: `p("}", ".")` is an empty dict. */
export function p(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : typeof part === "string" ? Buffer.from(part, "latin1") : part instanceof Uint8Array ? part : p(...part)))); // biome-ignore format: a table
}

/** SHORT_BINUNICODE */
export const text = (value: string): Part => [0x8c, Buffer.byteLength(value), Buffer.from(value)];
/** GLOBAL */
export const global = (module: string, name: string): Part => `c${module}\n${name}\n`;
/** BININT */
export const int = (value: number): Part => {
  const bytes = Buffer.alloc(5, 0x4a);
  bytes.writeInt32LE(value, 1);
  return bytes;
};
/** TUPLE with its MARK */
export const tuple = (...items: readonly Part[]): Part => ["(", ...items, "t"];
/** BINPERSID of a storage with the key "0". */
export const storage = (length: number, type = "FloatStorage"): Part => [tuple(text("storage"), global("torch", type), text("0"), text("cpu"), int(length)), "Q"]; // biome-ignore format: one row
/** A dict of one item, and the end of the pickle. */
export const dictOf = (key: string, ...value: readonly Part[]): Uint8Array => p(0x80, 2, "}", text(key), ...value, "s.");

const MAGIC = p(0x80, 2, 0x8a, 10, Uint8Array.from([0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]), ".");

/** A file as PyTorch before 1.6 writes it, of F32 storages. */
export function legacyFile(pickle: Uint8Array, storages: Readonly<Record<string, readonly number[]>> = {}): Uint8Array {
  const contents = Object.values(storages).map((values) => [
    new Uint8Array(BigInt64Array.of(BigInt(values.length)).buffer),
    new Uint8Array(Float32Array.from(values).buffer),
  ]);
  const keys = p(0x80, 2, "](", ...Object.keys(storages).map(text), "e.");
  return p(MAGIC, p(0x80, 2, "M", 0xe9, 0x03, "."), p(0x80, 2, "}."), pickle, keys, ...contents);
}
