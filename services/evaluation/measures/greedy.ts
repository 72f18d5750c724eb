import type { EvaluationResult } from "#libs/recipes";
import { createRunningMean } from "./mix.ts";
import { accuracyOf, scoreOn } from "./score.ts";
import type { Subject } from "./subject.ts";

type GreedyResult = Extract<EvaluationResult, { measure: "greedy" }>;

/**
 * Greedy soup (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482), the variant that accepts equality.
 * Members in the order of decreasing score (ties: the lowest index first); each is kept if the accuracy of the mean of the kept
 * ones and it, on the pooled validation rows, is at least the best so far. The first is always kept. One pass.
 */
export function greedy(subject: Subject, scores: readonly number[]): GreedyResult {
  const soup = createRunningMean();
  const selected: number[] = [];
  const trials: GreedyResult["trials"][number][] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const index of byScore(scores)) {
    const member = subject.members[index]!;
    const predictions = soup.count === 0 ? subject.member(index) : subject.predict(soup.meanWith(member));
    const accuracy = accuracyOf(scoreOn(subject.samples, "validation", predictions));
    const accepted = accuracy >= best;
    trials.push({ index, accuracy, accepted });
    if (!accepted) continue;
    soup.add(member);
    selected.push(index);
    best = accuracy;
  }
  return { measure: "greedy", selected, trials };
}

/** Positions in the order of decreasing score; equal scores keep their order. */
function byScore(scores: readonly number[]): number[] {
  return scores.map((_, index) => index).sort((i, j) => scores[j]! - scores[i]! || i - j);
}
