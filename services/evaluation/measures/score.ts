import { score } from "#libs/learning";
import type { Score } from "#libs/recipes";
import { type Predictions, requireSample, type SampleName, type Samples } from "./subject.ts";

/** Right answers and mean cross-entropy of predictions on one sample. */
export function scoreOn(samples: Samples, name: SampleName, predictions: Predictions): Score {
  return score(logitsOn(name, predictions), requireSample(samples, name).labels);
}

/** The logits on one sample. Throws RangeError where there are none. */
export function logitsOn(name: SampleName, predictions: Predictions): Float32Array {
  const logits = predictions[name];
  if (logits === undefined) throw new RangeError(`there are no predictions on ${name}`);
  return logits;
}

/** Fraction of correct rows, 0 to 1. */
export function accuracyOf({ correct, count }: Pick<Score, "correct" | "count">): number {
  return correct / count;
}
