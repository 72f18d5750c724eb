import type { Measurement, PredictionScore } from "#libs/recipes";
import type { Outcomes } from "./outcome.ts";

/**
 * A greedy selection that is made of predictions and measurements (model soups, Wortsman et al., ICML 2022; "restricted" in DiWA): the
 * candidates in the order of their own accuracies, each tried once in the mean with those that were taken before it.
 */
export type GreedyTrials = {
  /** The candidates: the node of the model, and the node of its prediction on validation data. */
  readonly among: readonly { readonly model: string; readonly prediction: string }[];
  /** The node that measures the accuracies of all these predictions. */
  readonly scores: string;
  /** The nodes that measure the first trials: that of the second candidate with the first, and so on. */
  readonly trials: readonly string[];
  /** Whether the next candidate comes along: then this is a trial itself, and otherwise what was taken. */
  readonly next: boolean;
};

/** The candidates that are taken, and the next one to be tried; places in `among`. */
export type GreedyState = { readonly taken: readonly number[]; readonly next?: number };

/**
 * How far a selection is. Candidates come by the mean of their accuracies over the domains, the earlier on ties; one is taken where the
 * accuracy over all rows does not fall. Candidates without a prediction are left out; undefined if none is left.
 */
export function greedyState({ among, scores, trials }: GreedyTrials, outcomes: Outcomes): GreedyState | undefined {
  const predictions = accuracyOf(scores, outcomes);
  const left = among.flatMap(({ model, prediction }, i) => (isDone(model, outcomes) && isDone(prediction, outcomes) ? [i] : []));
  const ranked = left
    .flatMap((candidate, i) => (predictions?.[i] ? [{ candidate, score: predictions[i] }] : []))
    .sort((a, b) => meanOfDomains(b.score) - meanOfDomains(a.score) || a.candidate - b.candidate);
  const [first] = ranked;
  if (first === undefined) return undefined;
  const taken = [first.candidate];
  let best = overall(first.score);
  trials.forEach((trial, i) => {
    const [score] = accuracyOf(trial, outcomes) ?? [];
    const tried = ranked[i + 1]?.candidate;
    if (score === undefined || tried === undefined || overall(score) < best) return;
    taken.push(tried);
    best = overall(score);
  });
  const next = ranked[trials.length + 1]?.candidate;
  return { taken, ...(next === undefined ? {} : { next }) };
}

/** The nodes of the models that a trial or the result averages, in the order of the candidates; none where there is nothing to try. */
export function modelsOfTrial(greedy: GreedyTrials, outcomes: Outcomes): string[] {
  const { taken = [], next } = greedyState(greedy, outcomes) ?? {};
  if (greedy.next && next === undefined) return [];
  const chosen = greedy.next ? [...taken, next!] : [...taken];
  return chosen.sort((a, b) => a - b).map((i) => greedy.among[i]!.model);
}

/** What a node measured of predictions; undefined if it is something else, or failed. */
export function measured<M extends Measurement["measure"]>(
  node: string,
  measure: M,
  outcomes: Outcomes,
): Extract<Measurement, { measure: M }> | undefined {
  const outcome = outcomes.get(node);
  const result = outcome?.state === "done" ? outcome.result : undefined;
  return result?.measure === measure ? (result as Extract<Measurement, { measure: M }>) : undefined;
}

/** Share of rows that a prediction has right. */
export function overall({ correct, count }: { readonly correct: number; readonly count: number }): number {
  return count === 0 ? 0 : correct / count;
}

/** Mean of the accuracies over the domains, each counting the same: what DomainBed selects by. */
export function meanOfDomains({ domains }: PredictionScore): number {
  return domains.reduce((sum, domain) => sum + overall(domain), 0) / domains.length;
}

function accuracyOf(node: string, outcomes: Outcomes): readonly PredictionScore[] | undefined {
  return measured(node, "accuracy", outcomes)?.predictions;
}

function isDone(node: string, outcomes: Outcomes): boolean {
  return outcomes.get(node)?.state === "done";
}
