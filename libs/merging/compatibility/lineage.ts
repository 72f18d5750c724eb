import { type Description, groupModels, namesOf, sayGroups } from "./description.ts";
import { type Finding, finding } from "./report.ts";

/**
 * Whether the models come from one foundation model, as far as they say. Weights of models that were trained from different beginnings
 * have nothing to do with each other, number by number, whatever their shapes: their mean is noise (Neyshabur, Sedghi and Zhang 2020,
 * https://arxiv.org/abs/2008.11687).
 */
export function* compareLineage(
  models: readonly Description[],
  base: Description | undefined,
  allowUnrelated: boolean,
): Generator<Finding> {
  const all = base === undefined ? models : [...models, base];
  const named = new Set(models.map(saysFoundation).filter((name) => name !== undefined));
  const foundationOf = (model: Description) =>
    [...named].find((name) => isModel(model, name)) ?? (model === base ? rootOf(base) : saysFoundation(model));
  const groups = groupModels(all, foundationOf);
  const silent = models.filter((model) => foundationOf(model) === undefined);
  // Two imported models may have been trained from one foundation elsewhere, unless somebody has said of one that it is a foundation.
  const imported = new Set(models.filter(({ foundationImported }) => foundationImported).map(saysFoundation));
  const declared = new Set(models.filter(({ foundationImported }) => !foundationImported).map(saysFoundation));
  const names = all.map(({ name }) => name);
  if (groups.size > 1 && [...groups.keys()].filter((key) => !imported.has(key) || declared.has(key)).length < 2) {
    const sentence = `The models come from different models that were imported, and nothing says whether those have one foundation: ${sayGroups(groups)}.`;
    yield finding(allowUnrelated ? "note" : "warning", "lineage", sentence, { models: names });
  } else if (groups.size > 1) {
    const sentence = `The models come from different foundation models: ${sayGroups(groups)}.`;
    const hint = allowUnrelated
      ? ""
      : " Numbers of models without a common foundation do not correspond; --allow-unrelated averages them all the same.";
    yield finding(allowUnrelated ? "warning" : "error", "foundation", sentence + hint, { models: names });
  }
  if (silent.length > 0) {
    const all = silent.length === models.length;
    const whom = all ? "the models come" : `${namesOf(silent)} ${silent.length === 1 ? "comes" : "come"}`;
    yield finding("note", "lineage", `Nothing says which foundation model ${whom} from.`, { models: silent.map(({ name }) => name) });
  }
}

/** What a model says it comes from, in one spelling. */
function saysFoundation({ foundation }: Description): string | undefined {
  return foundation?.startsWith("sha256:") ? foundation : foundation?.toLowerCase();
}

/**
 * A base of the catalog has a lineage down to its root, as its models have. What another base was trained from says nothing: its models
 * name the base, which may be anywhere here.
 */
function rootOf(base: Description): string | undefined {
  return base.artifact === undefined ? undefined : (base.foundation ?? base.artifact);
}

/** Whether a model is the one that others name: by digest, by its place in the hub's cache, or by the end of its path. */
function isModel({ artifact, path, name }: Description, wanted: string): boolean {
  if (artifact === wanted) return true;
  const places = [name, path ?? ""].map((place) => place.toLowerCase().replace(/\/+$/, ""));
  const cached = `models--${wanted.replaceAll("/", "--")}/snapshots/`;
  return wanted !== "" && places.some((place) => place === wanted || place.endsWith(`/${wanted}`) || place.includes(cached));
}
