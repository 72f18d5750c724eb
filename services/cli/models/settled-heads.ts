import { type SettledHeads, settleHeads } from "#libs/merging";
import type { ModelFiles } from "#libs/models";
import type { CommandContext } from "../context.ts";

/** Models and their base with heads of one kind; what was settled is said. */
export async function settledHeads(
  models: readonly ModelFiles[],
  base: ModelFiles | undefined,
  exclude: ReadonlySet<string>,
  { stderr }: CommandContext,
): Promise<{ models: readonly ModelFiles[]; base: ModelFiles | undefined; tied: SettledHeads["tied"] }> {
  const { models: all, tied, notes } = await settleHeads(base === undefined ? models : [...models, base], exclude);
  for (const note of notes) stderr.write(`note: ${note}\n`);
  return { models: all.slice(0, models.length), base: all[models.length], tied };
}
