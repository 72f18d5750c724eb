import { foldLicences, resultLicence, spdxLicence } from "#libs/recipes";
import { loraFileProblems } from "../adapters/lora-files.ts";
import { architectureOf, compareArchitectures } from "./architecture.ts";
import type { Description } from "./description.ts";
import { excludedNames } from "./excluded.ts";
import { compareLabels } from "./labels.ts";
import { compareLineage } from "./lineage.ts";
import { quantisedTensors } from "./quantised.ts";
import { findRenamings, sayRenaming } from "./renamed.ts";
import { type CompatibilityReport, type Finding, finding, judge, type ModelSummary } from "./report.ts";
import { compareStructure, isAveraged, type Mismatch, type Structure } from "./structure.ts";
import type { SettledHeads } from "./tied-heads.ts";
import { compareTokenizers } from "./tokenizer.ts";
import { areEmbeddingsLeftOut, withWayOn } from "./way-on.ts";

/** What is compared, and what may differ. */
export type CompareOptions = {
  readonly base?: Description | undefined;
  /** Names of tensors that are left out of the average. */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** Models of different foundations are averaged all the same. */
  readonly allowUnrelated?: boolean | undefined;
  /** Types of floating-point numbers may differ, since the type of the result is given. */
  readonly mixedTypes?: boolean | undefined;
  /** What became of heads that are embeddings in some of the models: it is a note, in place of that their configurations differ in this. */
  readonly heads?: Pick<SettledHeads, "tied" | "notes"> | undefined;
};

/** The report of everything but the weights. Reads nothing but tokenizers that differ. */
export async function compareModels(models: readonly Description[], options: CompareOptions): Promise<CompatibilityReport> {
  const { base, allowUnrelated = false, mixedTypes = false, heads } = options;
  const all = base === undefined ? models : [...models, base];
  const exclude = excludedNames(options.exclude ?? [], all);
  const structures = all.map(({ name, tensors, compared = tensors }) => ({ name, tensors: compared }));
  const structure = structureFindings(structures, exclude, mixedTypes);
  // What is left out may differ, where all that is left fits.
  const fitsApart = exclude.size > 0 && structure.every(({ severity }) => severity !== "error");
  const findings = [
    ...structure,
    ...loraFileFindings(all),
    ...(models.length > 1 ? quantisedFindings(structures, exclude) : []),
    ...compareArchitectures(all, { fitsApart, headsSettled: heads?.tied !== undefined }),
    ...(heads?.notes ?? []).map((note) => finding("note", "settings", `${note.slice(0, 1).toUpperCase()}${note.slice(1)}`)),
    ...compareLineage(models, base, allowUnrelated),
    ...compareLabels(models, exclude),
    ...(await compareTokenizers(all, areEmbeddingsLeftOut(structures, exclude))),
  ];
  const result = resultLicence(
    all.map(({ licences }) => licences),
    all.map(({ name }) => name),
  );
  if (result.licence === undefined) {
    findings.push(
      finding("warning", "licence", `No licence is known for the result: ${result.why}.`, { models: all.map(({ name }) => name) }),
    );
  } else if (result.nonCommercial) {
    findings.push(finding("note", "licence", `The result is not for commercial use: ${result.licence}.`));
  }
  return {
    ...judge(findings),
    models: models.map(summarise),
    ...(base === undefined ? {} : { base: base.name }),
    ...(result.licence === undefined ? {} : { licence: result.licence }),
  };
}

const SENTENCES: { readonly [code in Mismatch["code"]]: (count: number) => string } = {
  missing: (count) => `${someTensors(count)} ${count === 1 ? "is" : "are"} not in all models.`,
  shape: (count) => `${someTensors(count)} ${count === 1 ? "has" : "have"} different shapes.`,
  dtype: (count) => `${someTensors(count)} ${count === 1 ? "has" : "have"} different types.`,
  "no-average": (count) => `${someTensors(count)} ${count === 1 ? "is of a type" : "are of types"} that cannot be averaged.`,
};

/** One finding for each kind of mismatch, with every tensor concerned and what it is in which model. */
function structureFindings(all: readonly Structure[], exclude: ReadonlySet<string>, mixedTypes: boolean): Finding[] {
  const renamings = findRenamings(all, exclude);
  const explained = new Set(renamings.flatMap(({ names }) => [...names]));
  const mismatches = compareStructure(all, { exclude, mixedTypes }).filter(({ tensor }) => !explained.has(tensor));
  const models = all.map(({ name }) => name);
  const findings = renamings.map((renaming) =>
    finding("error", "missing", sayRenaming(renaming), { models: [renaming.first, renaming.second] }),
  );
  const others = Object.entries(SENTENCES).flatMap(([code, sentence]) => {
    const these = mismatches.filter((mismatch) => mismatch.code === code);
    if (these.length === 0) return [];
    const lines = these.map(({ tensor, problem }) => `${tensor}: ${problem}`);
    const said = withWayOn(code as Mismatch["code"], sentence(these.length), these, all);
    return [finding("error", code as Mismatch["code"], said, { tensors: lines, models })];
  });
  findings.push(...others);
  const unknown = [...exclude].filter((name) => all.every(({ tensors }) => !tensors.has(name)));
  if (unknown.length > 0)
    findings.push(finding("error", "exclude", "No model has these tensors, which are to be left out.", { tensors: unknown }));
  if (all.every(({ tensors }) => [...tensors.keys()].every((name) => exclude.has(name)))) {
    findings.push(finding("error", "empty", "No tensor is left to average."));
  }
  return findings;
}

/** Adapters that are no PEFT folders: as models they would be averaged factor by factor. */
function loraFileFindings(all: readonly Description[]): Finding[] {
  const files = all.filter(({ compared }) => compared === undefined);
  return loraFileProblems(files).map(({ models, problem }) => finding("error", "adapter", `${problem}.`, { models }));
}

/** One finding for all weights that are quantised in some model. */
function quantisedFindings(all: readonly Structure[], exclude: ReadonlySet<string>): Finding[] {
  const lines = new Map<string, string>();
  const names = new Set<string>();
  for (const model of all) {
    for (const [tensor, what] of quantisedTensors(model)) {
      if (exclude.has(tensor)) continue;
      if (!lines.has(tensor)) lines.set(tensor, `${tensor}: ${what} in ${model.name}`);
      names.add(model.name);
    }
  }
  if (lines.size === 0) return [];
  const sentence = `${lines.size === 1 ? "One weight is" : `${lines.size} weights are`} quantised, and whole numbers with scales have no mean: take the models in F32, F16 or BF16.`;
  return [finding("error", "no-average", sentence, { tensors: [...lines.values()], models: [...names] })];
}

function summarise(model: Description): ModelSummary {
  const architecture = architectureOf(model);
  return {
    name: model.name,
    tensors: model.tensors.size,
    numbers: [...model.tensors.values()].reduce(
      (sum, { dtype, shape }) => sum + (isAveraged(dtype) ? shape.reduce((a, b) => a * b, 1) : 0),
      0,
    ),
    dtypes: [...new Set([...model.tensors.values()].map(({ dtype }) => dtype))].sort(),
    ...(architecture === undefined ? {} : { architecture }),
    ...(model.foundation === undefined ? {} : { foundation: model.foundation }),
    licences: foldLicences([model.licences.map(spdxLicence)]),
  };
}

function someTensors(count: number): string {
  return count === 1 ? "One tensor" : `${count} tensors`;
}
