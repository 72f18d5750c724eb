import { crc32 } from "node:zlib";
import { crc32c } from "#libs/kernels";
import type { ContributionChunk } from "#proto/ratatouille/v1/averaging_pb.ts";
import { DamagedChunkError } from "./errors.ts";

const sums = { crc32, crc32c } as const;

/** What a chunk carries, to see whether its bytes were damaged on the way. */
export type ChunkSum = { readonly kind: keyof typeof sums; readonly value: number };

/** The sum that counts of those which a chunk has. */
export function sumOf({ crc32, crc32c }: Pick<ContributionChunk, "crc32" | "crc32c">): ChunkSum {
  return crc32 === undefined ? { kind: "crc32c", value: crc32c } : { kind: "crc32", value: crc32 };
}

/** @param at where the chunk begins in its file @throws DamagedChunkError */
export function checkSum(bytes: Uint8Array, at: number, { kind, value }: ChunkSum): void {
  const actual = sums[kind](bytes);
  if (actual !== value) throw new DamagedChunkError(at, kind, actual, value);
}
