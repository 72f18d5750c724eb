import { temporaryFor } from "#libs/files";
import type { Digest } from "#libs/recipes";
import { openSums, type SumsFile } from "./format.ts";
import { checkUnchanged, prepareSums, runUnits, type SumsSources } from "./prepare.ts";
import { growSums } from "./write-sums.ts";

/**
 * Adds members to sums, or takes them away, and writes the new sums to `to`, which may be `from`. Atomic: `to` is the old file or the
 * new one, whatever happens. Memory does not grow with the models nor with the members.
 * @param output digest of the average of the new sums that lies beside them, where it is known already.
 * @throws SumsError
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { openModel, weightsDigest } from "#libs/models";
 * import { loadFloat32, saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const { signal } = new AbortController();
 * const members = [];
 * for (const [name, w] of [["a", 1], ["b", 4]]) {
 *   await writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [1], data: Float32Array.of(w) }]])));
 *   const model = await openModel(directory.join(name));
 *   members.push({ model, digest: await weightsDigest(model), weight: 1 });
 * }
 * const sums = directory.join("mean.sums");
 * const mean = async () => {
 *   await roundSums({ sums, members: [], divisor: "sum", output: { directory: directory.path, single: "mean", force: true }, signal });
 *   return loadFloat32(await readFile(directory.join("mean"))).get("w").data[0];
 * };
 * await foldSums({ members, to: sums, signal });
 * await mean(); // 2.5
 * // To take a member away leaves the bytes that the others alone make.
 * await foldSums({ from: sums, members: [{ ...members[0], remove: true }], to: sums, signal });
 * await mean(); // 4
 * ```
 */
export async function foldSums(
  options: SumsSources & { readonly to: string; readonly output?: Digest; readonly fsync?: boolean },
): Promise<SumsFile> {
  const { members, to, output, fsync = true } = options;
  const prepared = await prepareSums(options);
  await using temporary = await temporaryFor(to, { alone: true });
  const growing = growSums(prepared, temporary.path);
  for await (const { result } of runUnits(prepared, { sums: growing.target }, options)) growing.add(result.patches);
  growing.finish(output);
  await checkUnchanged(members);
  await temporary.publish({ fsync });
  return await openSums(to);
}
