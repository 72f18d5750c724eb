import type { SetName } from "#libs/reporting";
import type { CellBuilder } from "./cell-builder.ts";
import type { Predicted } from "./predictions.ts";

/** A place between two members: weight `part` / `of` of the second. */
export type PlacePlan = Predicted & { readonly pair: readonly [number, number]; readonly part: number; readonly of: number };

/** What is measured between members of a set. */
export type BetweenPlan = {
  readonly places: readonly PlacePlan[];
  /** Pairs that are measured all along the way, at `points` places with both ends. */
  readonly curves: readonly (readonly [number, number])[];
  readonly points: number;
  /** Accuracies at the places, in their order. */
  readonly scores: Predicted;
};

/** Plans the halfway points of pairs of members that follow each other, and places along the way between the first of these. */
export function planBetween(
  { spec, predictor }: CellBuilder,
  set: SetName,
  members: readonly { readonly node: string; readonly index: number }[],
): BetweenPlan {
  const { barriers, curves, points } = spec.study.curves;
  const pairs = members.slice(1, barriers + 1).map((_, i) => [i, i + 1] as const);
  const curved = pairs.slice(0, curves);
  const places = pairs.flatMap((pair, i) => {
    const steps = points - 1;
    const along = i < curves ? Array.from({ length: steps - 1 }, (_, k) => reduced(k + 1, steps)) : [];
    const halfway = { part: 1, of: 2 };
    const all = along.some(({ part, of }) => part === 1 && of === 2) ? along : [...along, halfway];
    return all.map(({ part, of }): PlacePlan => {
      const models = pair.map((index) => ({ node: members[index]!.node }));
      const id = `${set}/between/${pair.join("-")}/${part}-of-${of}`;
      // Halfway both count the same, and nothing is said of weights.
      const weights = of === 2 ? {} : { weights: [of - part, part] };
      return { pair, part, of, ...predictor.both(id, models, { ...weights, expendable: true }) };
    });
  });
  return { places, curves: curved, points, scores: predictor.score(`${set}/between`, places, true) };
}

function reduced(part: number, of: number): { readonly part: number; readonly of: number } {
  const divisor = greatestDivisor(part, of);
  return { part: part / divisor, of: of / divisor };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
