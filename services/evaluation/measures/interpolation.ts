import type { EvaluationResult } from "#libs/recipes";
import { interpolate } from "./mix.ts";
import type { Pair } from "./pairs.ts";
import { accuracyOf, scoreOn } from "./score.ts";
import { type SampleName, type Subject, sampleNames } from "./subject.ts";

type InterpolationResult = Extract<EvaluationResult, { measure: "interpolation" }>;

/** Points of a curve where a recipe names none: steps of a tenth. */
export const DEFAULT_POINTS = 11;

/** Accuracy along the straight line between two members: (1 − λ)·θ_i + λ·θ_j for `points` evenly spaced λ from 0 to 1. */
export function interpolation(subject: Subject, pairs: readonly Pair[], points: number = DEFAULT_POINTS): InterpolationResult {
  const lambdas = Array.from({ length: points }, (_, k) => k / (points - 1));
  return { measure: "interpolation", curves: pairs.map((pair) => curve(subject, pair, lambdas)) };
}

function curve(subject: Subject, [i, j]: Pair, lambdas: readonly number[]): InterpolationResult["curves"][number] {
  const names = sampleNames(subject.samples);
  const accuracies: { [name in SampleName]?: number[] } = {};
  for (const lambda of lambdas) {
    const predictions = predictionsAt(subject, [i, j], lambda);
    for (const name of names) {
      accuracies[name] ??= [];
      accuracies[name].push(accuracyOf(scoreOn(subject.samples, name, predictions)));
    }
  }
  return { pair: [i, j], lambdas: [...lambdas], ...accuracies };
}

function predictionsAt(subject: Subject, [i, j]: Pair, lambda: number) {
  if (lambda === 0) return subject.member(i);
  if (lambda === 1) return subject.member(j);
  return subject.predict(interpolate(subject.members[i]!, subject.members[j]!, lambda));
}
