import { invalidArgument, type RpcError } from "#libs/rpc";
import { quote } from "#libs/text";

/** Which bytes of a file a request carries: from `from` to its end at `size`. */
export type SentRange = { readonly from: number; readonly size: number };

const LARGEST = Number.MAX_SAFE_INTEGER;

/**
 * What a request that sends a file says of its body: all of the file, or with `Content-Range: bytes FROM-LAST/SIZE` its rest, as
 * `curl --continue-at FROM --upload-file` sends it.
 * @throws RpcError INVALID_ARGUMENT (LENGTH_MISSING, RANGE_INVALID)
 * @example
 * ```ts
 * sentRange(new Headers({ "content-length": "10" })); // { from: 0, size: 10 }
 * sentRange(new Headers({ "content-length": "4", "content-range": "bytes 6-9/10" })); // { from: 6, size: 10 }
 * ```
 */
export function sentRange(header: Headers): SentRange {
  const length = header.get("content-length");
  const range = header.get("content-range");
  if (range === null) {
    if (length === null) throw invalidArgument("Content-Length is missing: how long the file is", { reason: "LENGTH_MISSING" });
    return { from: 0, size: Number(length) };
  }
  const [from, last, size] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(range) ?? []).slice(1).map(Number);
  if (from === undefined || last === undefined || size === undefined || from > last || last >= size || size > LARGEST)
    throw wrongRange(range, "expected bytes FROM-LAST/SIZE");
  if (last !== size - 1) throw wrongRange(range, `expected the rest of the file, up to byte ${size - 1}`);
  if (length !== null && Number(length) !== size - from)
    throw wrongRange(range, `it has ${size - from} bytes, and Content-Length is ${length}`);
  return { from, size };
}

function wrongRange(range: string, description: string): RpcError {
  return invalidArgument(`Content-Range is ${quote(range)}: ${description}`, { reason: "RANGE_INVALID" });
}
