import { createHash } from "node:crypto";
import { type ChunkSum, checkSum } from "./chunk-sum.ts";
import { createContributionCheck } from "./contribution-check.ts";
import type { Layout } from "./layout.ts";

/** What is known of a contribution before its bytes: plain data. */
export type Expectation = {
  readonly size: number;
  /** The header may have so many. */
  readonly headerBytes: number;
  /** The layout of the session, as far as it is known. */
  readonly layout: Layout | undefined;
};

/** What a contribution turned out to be. */
export type Verified = { readonly sha256: string; readonly layout: Layout };

/** Everything that is looked at in the bytes of a contribution, in one pass. */
export type Verification = {
  /** Bytes that were taken and are as they have to be, so far. */
  readonly position: number;
  /** The next bytes, cut anywhere, or a whole chunk with its sum. They are not kept. @throws DamagedChunkError, ContributionError */
  take(bytes: Uint8Array, sum?: ChunkSum): void;
  /** After the last byte. */
  result(): Verified;
};

export function createVerification({ size, headerBytes, layout }: Expectation): Verification {
  const hash = createHash("sha256");
  const check = createContributionCheck({ size, headerBytes, expected: () => layout });
  let position = 0;
  return {
    get position() {
      return position;
    },
    take(bytes, sum) {
      if (sum) checkSum(bytes, position, sum);
      check.push(bytes);
      hash.update(bytes);
      position += bytes.length;
    },
    result: () => ({ layout: check.layout(), sha256: hash.digest("hex") }),
  };
}
