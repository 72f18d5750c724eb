import { predictions } from "#libs/learning";
import type { EvaluationResult } from "#libs/recipes";
import { allPairs, mean } from "./pairs.ts";
import { logitsOn } from "./score.ts";
import { requireSample, type Subject } from "./subject.ts";

type DiversityResult = Extract<EvaluationResult, { measure: "diversity" }>;

/**
 * Ratio-error diversity (Aksela 2003), the mean over all pairs of members; higher is more diverse.
 * On the held-out rows where there are some, else on the validation rows.
 */
export function diversity(subject: Subject): DiversityResult {
  const name = subject.samples.heldOut === undefined ? "validation" : "heldOut";
  const { labels, count } = requireSample(subject.samples, name);
  const predicted = subject.members.map((_, index) => {
    const logits = logitsOn(name, subject.member(index));
    return predictions(logits, logits.length / count);
  });
  const ratios = allPairs(predicted.length).map(([i, j]) => ratioError(predicted[i]!, predicted[j]!, labels));
  return { measure: "diversity", ratioError: mean(ratios), pairs: ratios.length };
}

/** #(exactly one of the two is wrong) / #(both are wrong), with at least 1 in the denominator. */
export function ratioError(first: Int32Array, second: Int32Array, labels: Int32Array): number {
  let one = 0;
  let both = 0;
  for (let row = 0; row < labels.length; row++) {
    const wrong = Number(first[row] !== labels[row]) + Number(second[row] !== labels[row]);
    if (wrong === 1) one++;
    if (wrong === 2) both++;
  }
  return one / Math.max(both, 1);
}
