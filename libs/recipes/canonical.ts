import { createHash } from "node:crypto";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A content digest in OCI's form: "sha256:" and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/**
 * The canonical text of a JSON value (RFC 8785): no white space, names sorted by UTF-16 code units, numbers as ECMAScript prints them.
 * Equal values have equal texts on every engine.
 * @throws TypeError for what JSON cannot carry (NaN, Infinity, undefined, a lone surrogate).
 * @example
 * ```ts
 * canonicalJson({ b: 1.0, a: [1e21, -0, "é\n"] }); // '{"a":[1e+21,0,"é\\n"],"b":1}'
 * ```
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`A recipe cannot hold the number ${value}`);
    return Object.is(value, -0) ? "0" : String(value);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new TypeError("A recipe cannot hold text with a lone surrogate");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value as { [name: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, item]) => `${canonicalJson(name)}:${canonicalJson(item)}`).join(",")}}`;
  }
  throw new TypeError(`A recipe cannot hold a value of type ${typeof value}`);
}

/**
 * The sha-256 of bytes, or of the UTF-8 of a text.
 * @example
 * ```ts
 * digestOf("abc"); // "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
 * ```
 */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/**
 * Whether a text is a whole digest.
 * @example
 * ```ts
 * isDigest(digestOf("abc")); // true
 * isDigest("sha256:abc"); // false
 * ```
 */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && /^sha256:[0-9a-f]{64}$/.test(text);
}
