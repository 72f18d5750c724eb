/** Plain data of structured clone as JSON: typed arrays, maps, and numbers that JSON has no words for. */

const ARRAYS = {
  ...{ Float32Array, Float64Array, Uint8Array, Int8Array, Uint16Array, Int16Array },
  ...{ Uint32Array, Int32Array, BigInt64Array, BigUint64Array },
} as const;

type Marked = { readonly $: string; readonly v: unknown };

/** A value as one line of JSON. Throws TypeError for what is not plain data. */
export function toJson(value: unknown): string {
  return JSON.stringify(mark(value));
}

/** The value of what `toJson` wrote. */
export function fromJson(text: string): unknown {
  return unmark(JSON.parse(text));
}

function mark(value: unknown): unknown {
  if (value === undefined) return marked("undefined", null);
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0) ? value : marked("number", Object.is(value, -0) ? "-0" : String(value));
  if (typeof value === "bigint") return marked("bigint", String(value));
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(mark);
  if (value instanceof Map) return marked("Map", [...value].map(mark));
  if (value instanceof Set) return marked("Set", [...value].map(mark));
  if (ArrayBuffer.isView(value) && value.constructor.name in ARRAYS)
    return marked(value.constructor.name, Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"));
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value)))
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name === "$" ? "$$" : name, mark(field)]));
  throw new TypeError(`${String(value)} is not plain data`);
}

function marked($: string, v: unknown): Marked {
  return { $, v };
}

function unmark(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(unmark);
  const { $, v } = value as Marked;
  if ($ === undefined) return Object.fromEntries(Object.entries(value).map(([name, field]) => [name === "$$" ? "$" : name, unmark(field)]));
  if ($ === "undefined") return undefined;
  if ($ === "number") return Number(v);
  if ($ === "bigint") return BigInt(v as string);
  if ($ === "Map") return new Map(unmark(v) as [unknown, unknown][]);
  if ($ === "Set") return new Set(unmark(v) as unknown[]);
  const bytes = Uint8Array.from(Buffer.from(v as string, "base64"));
  return new ARRAYS[$ as keyof typeof ARRAYS](bytes.buffer);
}
