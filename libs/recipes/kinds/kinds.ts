import { averageKind } from "./average.ts";
import { datasetKind } from "./dataset.ts";
import { importKind } from "./import.ts";
import type { Kind } from "./kind.ts";
import { looksKind } from "./looks.ts";
import { measureKind } from "./measure.ts";
import { predictKind } from "./predict.ts";
import { splitKind } from "./split.ts";
import { trainKind } from "./train.ts";
import { evaluateKind } from "./v1-evaluate.ts";
import { fineTuneKind, pretrainKind, probeKind } from "./v1-training.ts";

/** The kinds of recipes that this version can run somewhere. */
export const kinds = {
  import: importKind,
  dataset: datasetKind,
  looks: looksKind,
  split: splitKind,
  train: trainKind,
  predict: predictKind,
  average: averageKind,
  measure: measureKind,
  pretrain: pretrainKind,
  probe: probeKind,
  "fine-tune": fineTuneKind,
  evaluate: evaluateKind,
} as const satisfies { readonly [name: string]: Kind };

/** The name of one of them. */
export type RecipeKind = keyof typeof kinds;

/** The kind with a name; undefined for one of a later version. */
export function kindNamed(name: string): Kind | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name as RecipeKind] : undefined;
}
