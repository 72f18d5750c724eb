import { type DigestedFile, fileDigest } from "#libs/models";
import type { Digest } from "#libs/recipes";

/** What all threads share: how many bytes they have read together, as one unsigned 64-bit number. */
export type DigestSetup = { readonly readBytes: SharedArrayBuffer };

/** What a thread does that reads files for their digests. */
export function setup(
  { readBytes }: DigestSetup,
  { cancelled }: { readonly cancelled: () => boolean },
): { run(unit: DigestedFile): Promise<Digest>; close(): void } {
  const counter = new BigUint64Array(readBytes);
  return {
    run: (unit) =>
      fileDigest(unit, {
        onRead(bytes) {
          if (cancelled()) throw new Error("cancelled");
          Atomics.add(counter, 0, BigInt(bytes));
        },
      }),
    close() {},
  };
}
