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
  return openSums(to);
}
