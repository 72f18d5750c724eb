import { type SettledHeads, settleHeads } from "#libs/merging";
import type { ModelFiles } from "#libs/models";

/** Models and their base with heads of one kind, and what was settled. */
export async function settledHeads(
  models: readonly ModelFiles[],
  base: ModelFiles | undefined,
  exclude: ReadonlySet<string>,
): Promise<{ models: readonly ModelFiles[]; base: ModelFiles | undefined; heads: Omit<SettledHeads, "models"> }> {
  const { models: all, ...heads } = await settleHeads(base === undefined ? models : [...models, base], exclude);
  return { models: all.slice(0, models.length), base: all[models.length], heads };
}
