import { invalidOutputs } from "../errors.ts";
import type { Check, Checked } from "./check.ts";
import { checkDataset } from "./dataset.ts";
import { checkPrediction } from "./prediction.ts";
import { checkSplit } from "./split.ts";
import { checkWeights } from "./weights.ts";

/** How what a recipe of a kind has made is checked. A new kind is one more line. */
const checks: { readonly [kind: string]: Check } = {
  dataset: checkDataset,
  split: checkSplit,
  train: checkWeights,
  predict: checkPrediction,
  pretrain: checkWeights,
  probe: checkWeights,
  "fine-tune": checkWeights,
};

/**
 * Checks that a result is what its recipe makes: names, shapes and types of tensors, finite numbers, a row for each example. Nothing is
 * computed again. Weights and logits are read once, in blocks; indices, splits and drawn symbols are in memory for a moment.
 * @throws RpcError INVALID_ARGUMENT (OUTPUTS_INVALID) with the tensor's name; and what `refusalOf` takes
 */
export async function checkResult(checked: Checked): Promise<void> {
  const problem = await checks[checked.recipe.kind]?.(checked);
  if (problem !== undefined) throw invalidOutputs("outputs", problem);
}
