import type { ModelFiles } from "#libs/models";
import { measureAdapters } from "./adapter-weights.ts";
import { compareAdapters } from "./adapters.ts";
import { compareWholeNumbers } from "./agreement.ts";
import { type CompareOptions, compareModels } from "./compare.ts";
import type { Description } from "./description.ts";
import { excludedNames } from "./excluded.ts";
import { judgeWeights } from "./judge-weights.ts";
import { type CompatibilityReport, finding, judge } from "./report.ts";
import { tokenizerIn } from "./tokenizer-files.ts";
import { measurable, measureFiles, type PassOptions } from "./weights-pass.ts";

/** Names that are left out of adapters, planning them looks at; some are in their files only. */
function known(exclude: ReadonlySet<string>, compared: ReadonlyMap<ModelFiles, ModelFiles["tensors"]>): ReadonlySet<string> {
  if (compared.size === 0) return exclude;
  return new Set([...exclude].filter((name) => [...compared.values()].some((tensors) => tensors.has(name))));
}

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
 * Rejects with an Error where a file is changed while it is read, and with the signal's reason.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { openModel } from "#libs/models";
 * import { saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * for (const [name, size] of [["a", 2], ["b", 3]])
 *   await writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [size], data: new Float32Array(size) }]])));
 * const models = await Promise.all(["a", "b"].map((name) => openModel(directory.join(name), name)));
 * const { verdict, findings } = await checkModels(models, { signal: new AbortController().signal });
 * [verdict, findings[0]?.code]; // ["incompatible", "shape"]
 * ```
 */
export async function checkModels(models: readonly ModelFiles[], options: CheckOptions): Promise<CompatibilityReport> {
  const { base, full = false } = options;
  const exclude = excludedNames(options.exclude ?? [], base === undefined ? models : [...models, base]);
  const { compared, findings: ofAdapters } = compareAdapters(models, base, exclude);
  const described = new Map<ModelFiles, Description>();
  for (const model of base === undefined ? models : [...models, base]) {
    const tokenizer = model.kind === "folder" ? await tokenizerIn(model.path) : undefined;
    // What an adapter is comes with its products; its configuration says nothing of the network.
    const config = model.kind === "adapter" ? undefined : model.config;
    described.set(model, { ...model, config, tokenizer, compared: compared.get(model) });
  }
  const first = await compareModels(
    models.map((model) => described.get(model)!),
    { ...options, base: base && described.get(base), exclude: known(exclude, compared) },
  );
  const report = { ...first, ...judge([...ofAdapters, ...first.findings]) };
  if (!full) return report;
  if (compared.size > 0) {
    const measured =
      models.every((model) => compared.has(model)) && ofAdapters.length === 0 ? await measureAdapters(models, options) : undefined;
    if (measured) return { ...report, ...judge([...report.findings, ...measured.findings]), weights: measured.weights };
    const unread = finding("note", "adapter", "The weights of adapters are measured among few adapters only.", {
      models: [...compared.keys()].map(({ name }) => name),
    });
    return { ...report, ...judge([...report.findings, unread]) };
  }
  const agreement = await compareWholeNumbers(base === undefined ? models : [...models, base], exclude, options.signal);
  if (measurable(base === undefined ? models : [...models, base], exclude).length === 0)
    return { ...report, ...judge([...report.findings, ...agreement]) };
  const { tensors, readBytes } = await measureFiles(models, base, exclude, options);
  const { weights, findings } = judgeWeights(
    models.map(({ name }) => name),
    tensors,
    { hasBase: base !== undefined, readBytes },
  );
  return { ...report, ...judge([...report.findings, ...agreement, ...findings]), weights };
}
