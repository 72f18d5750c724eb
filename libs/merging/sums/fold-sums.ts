import type { Digest } from "#libs/recipes";
import { openFiles } from "./files.ts";
import type { FoldSetup } from "./fold-thread.ts";
import { encodePatches, openSums, type Patch, planSums, type SumsFile } from "./format.ts";
import { keepAgreeing, keepCounters } from "./kept.ts";
import { checkUnchanged, type PreparedSums, prepareSums, runUnits, type SumsSources } from "./prepare.ts";
import { temporaryFor } from "./temporary.ts";

/**
 * Adds members to sums, or takes them away, and writes the new sums to `to`, which may be `from`. Atomic: `to` is the old file or the
 * new one, whatever happens. Memory does not grow with the models nor with the members.
 * @param output digest of the average of the new sums that lies beside them, where it is known already.
 * @throws SumsError
 */
export async function foldSums(
  options: SumsSources & { readonly to: string; readonly output?: Digest; readonly fsync?: boolean },
): Promise<SumsFile> {
  const { members, to, output, fsync = true } = options;
  const prepared = await prepareSums(options);
  await using temporary = await temporaryFor(to);
  await writeSums(prepared, temporary.path, output, options);
  await checkUnchanged(members);
  await temporary.publish({ fsync });
  return openSums(to);
}

async function writeSums(prepared: PreparedSums, path: string, output: Digest | undefined, options: SumsSources): Promise<void> {
  const { sums, sources } = prepared;
  const content = { ...prepared.content, output };
  const room = planSums(content, 0, 0);
  const taken = new BigInt64Array(new SharedArrayBuffer(8));
  const setup: FoldSetup = { ...sources, to: { path, offsets: room.offsets, planes: room.planes }, taken };
  const patches: Patch[] = [];
  for await (const written of runUnits<Patch[]>(prepared, { ...options, module: THREAD, setup })) patches.push(...written);
  patches.sort((a, b) => a.tensor - b.tensor || a.block - b.block || a.plane - b.plane);
  const plan = planSums(content, Number(taken[0]), patches.length);
  using files = openFiles();
  content.layout.forEach(({ rule }, tensor) => {
    const at = plan.offsets[tensor]!;
    if (rule === "agree") keepAgreeing(files, sources, tensor, (offset, bytes) => files.write(path, at + offset, bytes));
    if (rule === "maximum") files.write(path, at, Buffer.concat(keepCounters(files, sources, sums, tensor)));
  });
  files.write(path, plan.patches, encodePatches(patches));
  files.write(path, 0, plan.header);
}

const THREAD = new URL("fold-thread.ts", import.meta.url);
