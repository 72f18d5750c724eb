import type { EvaluationResult, Score } from "#libs/recipes";
import { scoreOn } from "./score.ts";
import { type SampleName, type Subject, sampleNames } from "./subject.ts";

type AccuracyResult = Extract<EvaluationResult, { measure: "accuracy" }>;

/** Score of each member on each sample, in the order of the members. */
export function accuracy(subject: Subject): AccuracyResult {
  const models = subject.members.map((_, index) => scores(subject, index));
  return { measure: "accuracy", models };
}

function scores(subject: Subject, index: number): { [name in SampleName]?: Score } {
  const byName: { [name in SampleName]?: Score } = {};
  for (const name of sampleNames(subject.samples)) byName[name] = scoreOn(subject.samples, name, subject.member(index));
  return byName;
}
