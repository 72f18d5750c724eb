import { open } from "node:fs/promises";
import { readFrom } from "#libs/files";

/** Bytes that can be read by position: a file, a blob in the catalog, or memory. */
export type ByteSource = {
  readonly size: number;
  /** Exactly `length` bytes from `offset`. Rejects with RangeError outside [0, size], and where the source ends too early. */
  read(offset: number, length: number): Promise<Uint8Array>;
};

/**
 * A source over bytes in memory. Reads are views, not copies.
 * @example
 * ```ts
 * const source = bytesSource(Uint8Array.of(1, 2, 3, 4));
 * [...(await source.read(1, 2))]; // [2, 3]
 * ```
 */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(offset, length) {
      checkRange(offset, length, bytes.length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A source over a file, open until it is disposed. Its size is that at opening. */
export async function fileSource(path: string): Promise<ByteSource & AsyncDisposable> {
  const file = await open(path, "r");
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length) {
      checkRange(offset, length, size);
      const bytes = new Uint8Array(length);
      const read = await readFrom(file, bytes, offset);
      if (read < length) throw new RangeError(`${path} became shorter while it was read: it ends at byte ${offset + read} of ${size}`);
      return bytes;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** A range of a source. */
export type SourceRange = { readonly source: ByteSource; readonly offset: number; readonly length: number };

/**
 * Ranges of sources, one behind the other, as one source. Each has to lie in its source.
 * @example
 * ```ts
 * const letters = bytesSource(new TextEncoder().encode("abcdef"));
 * const joined = joinedSource([{ source: letters, offset: 4, length: 2 }, { source: letters, offset: 0, length: 3 }]);
 * new TextDecoder().decode(await joined.read(1, 3)); // "fab"
 * ```
 */
export function joinedSource(ranges: readonly SourceRange[]): ByteSource {
  const begins: number[] = [];
  let size = 0;
  for (const { length } of ranges) {
    begins.push(size);
    size += length;
  }
  return {
    size,
    async read(offset, length) {
      checkRange(offset, length, size);
      const bytes = new Uint8Array(length);
      for (let i = firstEndingBehind(offset, begins, ranges), done = 0; done < length; i++) {
        const { source, offset: start, length: most } = ranges[i]!;
        const within = offset + done - begins[i]!;
        const part = await source.read(start + within, Math.min(most - within, length - done));
        bytes.set(part, done);
        done += part.length;
      }
      return bytes;
    },
  };
}

function firstEndingBehind(offset: number, begins: readonly number[], ranges: readonly SourceRange[]): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (begins[middle]! + ranges[middle]!.length <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Throws RangeError unless [offset, offset + length) lies in [0, size). */
export function checkRange(offset: number, length: number, size: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > size) {
    throw new RangeError(`bytes ${offset} to ${offset + length} are outside of 0 to ${size}`);
  }
}
