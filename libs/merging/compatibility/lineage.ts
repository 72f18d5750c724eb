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
  const groups = groupModels(all, (model) => foundationOf(model, base));
  const silent = models.filter((model) => foundationOf(model, base) === undefined);
  if (groups.size > 1) {
    const sentence = `The models come from different foundation models: ${sayGroups(groups)}.`;
    const hint = allowUnrelated
      ? ""
      : " Numbers of models without a common foundation do not correspond; --allow-unrelated averages them all the same.";
    yield finding(allowUnrelated ? "warning" : "error", "foundation", sentence + hint, { models: all.map(({ name }) => name) });
  }
  if (silent.length > 0) {
    const all = silent.length === models.length;
    const whom = all ? "the models come" : `${namesOf(silent)} ${silent.length === 1 ? "comes" : "come"}`;
    yield finding("note", "lineage", `Nothing says which foundation model ${whom} from.`, { models: silent.map(({ name }) => name) });
  }
}

/** What a model comes from, in one spelling. The base is a foundation itself where nothing else is said. */
function foundationOf(model: Description, base: Description | undefined): string | undefined {
  if (model.foundation !== undefined) return model.foundation.startsWith("sha256:") ? model.foundation : model.foundation.toLowerCase();
  return model === base ? base.artifact : undefined;
}
