/** Some bytes of a blob: the first, and how many. */
export type ByteRange = { readonly offset: number; readonly length: number };

/**
 * What a `Range` header asks of a blob: one range of bytes. Several ranges, other units and what is no range are ignored, as RFC 9110 has it.
 * @returns undefined for the whole; "unsatisfiable" where no byte of the blob is in the range
 * @example
 * ```ts
 * rangeOf("bytes=500-1499", 2000); // { offset: 500, length: 1000 }
 * rangeOf("bytes=-500", 2000); // { offset: 1500, length: 500 }
 * rangeOf("bytes=5000-", 2000); // "unsatisfiable"
 * rangeOf(undefined, 2000); // undefined
 * ```
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(from);
  const end = to === "" ? size : Math.min(Number(to) + 1, size);
  return offset >= end ? "unsatisfiable" : { offset, length: end - offset };
}

/**
 * What a `Content-Range` header says of a chunk that is pushed: `first-last`, both counted.
 * @returns undefined where it is no such range
 * @example
 * ```ts
 * chunkOf("0-1023"); // { offset: 0, length: 1024 }
 * chunkOf("7"); // undefined
 * ```
 */
export function chunkOf(header: string): ByteRange | undefined {
  const [, from, to] = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\*|\d+))?$/.exec(header.trim()) ?? [];
  if (from === undefined) return undefined;
  const length = Number(to) - Number(from) + 1;
  return length < 0 ? undefined : { offset: Number(from), length };
}
