import type { ModelFiles } from "#libs/models";
import { type CompareOptions, compareModels } from "./compare.ts";
import type { Description } from "./description.ts";
import { judgeWeights } from "./judge-weights.ts";
import { type CompatibilityReport, judge } from "./report.ts";
import { tokenizerIn } from "./tokenizer-files.ts";
import { measurable, measureFiles, type PassOptions } from "./weights-pass.ts";

/** What is checked. */
export type CheckOptions = Omit<CompareOptions, "base"> &
  PassOptions & {
    readonly base?: ModelFiles | undefined;
    /** Read all weights once, and say what is suspicious of them. */
    readonly full?: boolean | undefined;
  };

/**
 * Whether models may be averaged, and why not. Everything is looked at and everything found is listed. Without `full` it reads headers,
 * configurations and tokenizers only.
 * Rejects with RangeError where a file becomes shorter while it is read, and with the signal's reason.
 */
export async function checkModels(models: readonly ModelFiles[], options: CheckOptions): Promise<CompatibilityReport> {
  const { base, full = false, exclude = new Set() } = options;
  const described = new Map<ModelFiles, Description>();
  for (const model of base === undefined ? models : [...models, base]) {
    described.set(model, { ...model, tokenizer: model.kind === "folder" ? await tokenizerIn(model.path) : undefined });
  }
  const report = await compareModels(
    models.map((model) => described.get(model)!),
    { ...options, base: base && described.get(base) },
  );
  const all = base === undefined ? models : [...models, base];
  if (!full || measurable(all, exclude).length === 0) return report;
  const { tensors, readBytes } = await measureFiles(models, base, exclude, options);
  const { weights, findings } = judgeWeights(
    models.map(({ name }) => name),
    tensors,
    { hasBase: base !== undefined, readBytes },
  );
  return { ...report, ...judge([...report.findings, ...findings]), weights };
}
