import type { Digest } from "#libs/recipes";
import { openFiles } from "./files.ts";
import { encodePatches, type Patch, planSums } from "./format.ts";
import { keepAgreeing, keepCounters } from "./kept.ts";
import type { PreparedSums } from "./prepare.ts";
import type { SumsTarget } from "./sums-thread.ts";

/** A file of sums that is being written. */
export type GrowingSums = {
  /** What threads need to write their blocks. */
  readonly target: SumsTarget;
  /** Some blocks are written. */
  add(patches: readonly Patch[]): void;
  /** Writes everything else when all blocks are. @param output digest of the average that lies beside it, where it is known */
  finish(output: Digest | undefined): void;
};

/** Begins a file of what is prepared at a path, where an empty file is. */
export function growSums({ content, sums, sources }: PreparedSums, path: string): GrowingSums {
  const { offsets, planes } = planSums(content, 0, 0);
  const taken = new BigInt64Array(new SharedArrayBuffer(8));
  const patches: Patch[] = [];
  return {
    target: { path, offsets, planes, taken },
    add: (written) => void patches.push(...written),
    finish(output) {
      patches.sort((a, b) => a.tensor - b.tensor || a.block - b.block || a.plane - b.plane);
      const plan = planSums({ ...content, output }, Number(taken[0]), patches.length);
      using files = openFiles();
      content.layout.forEach(({ rule }, tensor) => {
        const at = plan.offsets[tensor]!;
        if (rule === "agree") keepAgreeing(files, sources, tensor, (offset, bytes) => files.write(path, at + offset, bytes));
        if (rule === "maximum") files.write(path, at, Buffer.concat(keepCounters(files, sources, sums, tensor)));
      });
      files.write(path, plan.patches, encodePatches(patches));
      files.write(path, 0, plan.header);
    },
  };
}
