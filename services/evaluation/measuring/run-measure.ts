import type { Artifacts } from "#libs/artifacts";
import { blocksOf } from "#libs/predictions";
import { foldLicences, type Measurement, type Recipe } from "#libs/recipes";
import { InvalidEvaluationError } from "../errors.ts";
import { checkMeasure } from "./check-measure.ts";
import { openInputs } from "./open-inputs.ts";

/** Logits that are in memory at once, twice: some milliseconds of work, after which the event loop has its turn. */
const BLOCK_BYTES = 1 << 20;

/** What was measured, the licences of the predictions, and how long the numbers took, in milliseconds. */
export type MeasuredPredictions = { readonly result: Measurement; readonly licences: readonly string[]; readonly computeMs: number };

/**
 * Runs a recipe of kind `measure` over predictions in the catalog. Rows are streamed: memory does not grow with them.
 * @throws InvalidEvaluationError, RpcError of the catalog, the reason of `signal`
 */
export async function runMeasure(recipe: Recipe, artifacts: Artifacts, signal: AbortSignal): Promise<MeasuredPredictions> {
  const { measure, options } = checkMeasure(recipe);
  const inputs = await openInputs(recipe, artifacts, signal);
  const predictions = inputs.map(({ prediction }) => prediction);
  const { classes, domains } = predictions[0]!;
  const tally = measure.begin({ classes, domains, predictions: predictions.length }, options);
  const fail = ({ index, problem }: { readonly index: number; readonly problem: string }) =>
    new InvalidEvaluationError([{ field: inputs[index]!.field, description: problem }]);
  let computeMs = 0;
  for await (const block of blocksOf(predictions, { blockBytes: BLOCK_BYTES, signal, fail })) {
    const beganMs = performance.now();
    tally.add(block);
    computeMs += performance.now() - beganMs;
  }
  return { result: tally.result(), licences: foldLicences(inputs.map(({ manifest }) => manifest.licences)), computeMs };
}
