import { exp } from "#libs/deterministic";
import type { EvaluationResult } from "#libs/recipes";
import { logitsOn } from "./score.ts";
import { requireSample, type Subject } from "./subject.ts";

type EnsembleResult = Extract<EvaluationResult, { measure: "ensemble" }>;

/** Accuracy of the mean softmax of all members on the held-out rows. It costs as many forward passes as there are members. */
export function ensemble(subject: Subject): EnsembleResult {
  const { labels, count } = requireSample(subject.samples, "heldOut");
  const probabilities = meanSoftmax(
    subject.members.map((_, index) => logitsOn("heldOut", subject.member(index))),
    count,
  );
  return { measure: "ensemble", heldOut: { correct: countCorrect(probabilities, labels), count } };
}

/**
 * Mean over the members of softmax(z) = exp(z_c − z_max) / Σ exp(z − z_max), [count, classes].
 * In f64 with the deterministic exp, summed in the order of the members.
 */
export function meanSoftmax(members: readonly Float32Array[], count: number): Float64Array {
  const length = members[0]?.length ?? 0;
  const classes = length / count;
  const mean = new Float64Array(length);
  const powers = new Float64Array(classes);
  for (const logits of members) {
    for (let start = 0; start < length; start += classes) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[start + c]!);
      let total = 0;
      for (let c = 0; c < classes; c++) total += powers[c] = exp(logits[start + c]! - largest);
      for (let c = 0; c < classes; c++) mean[start + c]! += powers[c]! / (total * members.length);
    }
  }
  return mean;
}

/** Rows whose most probable class, the lowest on ties, is their label. */
function countCorrect(probabilities: Float64Array, labels: Int32Array): number {
  const classes = probabilities.length / labels.length;
  let correct = 0;
  for (let row = 0; row < labels.length; row++) {
    const own = probabilities.subarray(row * classes, (row + 1) * classes);
    if (own.indexOf(Math.max(...own)) === labels[row]) correct++;
  }
  return correct;
}
