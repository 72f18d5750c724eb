import type { Barrier, BarrierSummary, EvaluationResult, Score } from "#libs/recipes";
import { midpoint } from "./mix.ts";
import { allPairs, mean } from "./pairs.ts";
import { accuracyOf, scoreOn } from "./score.ts";
import { type SampleName, type Subject, sampleNames } from "./subject.ts";

type BarriersResult = Extract<EvaluationResult, { measure: "barriers" }>;

/**
 * Barriers at the midpoint of all pairs of members (linear mode connectivity):
 * accuracy (a_i + a_j)/2 − a_mid as a fraction, loss l_mid − (l_i + l_j)/2 in nats.
 * Negative: the midpoint is better than its ends.
 */
export function barriers(subject: Subject): BarriersResult {
  const names = sampleNames(subject.samples);
  const ends = new Map<number, { [name in SampleName]?: Score }>();

  function endScore(index: number, name: SampleName): Score {
    const scores = ends.get(index) ?? {};
    ends.set(index, scores);
    scores[name] ??= scoreOn(subject.samples, name, subject.member(index));
    return scores[name];
  }

  const measured = allPairs(subject.members.length).map(([i, j]) => {
    const predictions = subject.predict(midpoint(subject.members[i]!, subject.members[j]!));
    const byName: { [name in SampleName]?: Barrier } = {};
    for (const name of names) byName[name] = barrier(endScore(i, name), endScore(j, name), scoreOn(subject.samples, name, predictions));
    return { pair: [i, j] as const, ...byName };
  });
  const summary: { [name in SampleName]?: BarrierSummary } = {};
  for (const name of names) summary[name] = summarise(measured.flatMap((entry) => entry[name] ?? []));
  return { measure: "barriers", pairs: measured, summary };
}

function barrier(first: Score, second: Score, middle: Score): Barrier {
  return {
    accuracy: (accuracyOf(first) + accuracyOf(second)) / 2 - accuracyOf(middle),
    loss: middle.loss - (first.loss + second.loss) / 2,
  };
}

function summarise(entries: readonly Barrier[]): BarrierSummary {
  const accuracies = entries.map((entry) => entry.accuracy);
  return { meanAccuracy: mean(accuracies), maxAccuracy: Math.max(...accuracies), meanLoss: mean(entries.map((entry) => entry.loss)) };
}
