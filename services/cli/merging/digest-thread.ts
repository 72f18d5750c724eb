import { fileDigest, type WeightsFile } from "#libs/models";
import type { Digest } from "#libs/recipes";

/** What a thread does that reads files for their digests. */
export function setup(): { run(unit: Omit<WeightsFile, "header">): Promise<Digest>; close(): void } {
  return { run: (unit) => fileDigest(unit), close() {} };
}
