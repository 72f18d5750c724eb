/** Bytes `first` to `last` of a whole. */
export type WantedRange = { readonly first: number; readonly last: number };

/**
 * What `Range` asks for of `size` bytes (RFC 9110, 14.2): undefined for all, also where it asks for several ranges or for what is none, as a server
 * may do; "none" where no byte of it is there.
 * @example
 * ```ts
 * wantedRange("bytes=6-", 10); // { first: 6, last: 9 }
 * wantedRange("bytes=-3", 10); // { first: 7, last: 9 }
 * wantedRange("bytes=10-", 10); // "none"
 * wantedRange("bytes=0-1,4-5", 10); // undefined
 * ```
 */
export function wantedRange(header: string | null, size: number): WantedRange | "none" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  const wanted =
    first === ""
      ? { first: Math.max(0, size - Number(last)), last: size - 1 }
      : { first: Number(first), last: last === "" ? size - 1 : Math.min(size - 1, Number(last)) };
  return wanted.first >= size ? "none" : wanted;
}
