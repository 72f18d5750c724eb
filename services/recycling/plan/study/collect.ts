import type { PredictionScore } from "#libs/recipes";
import type { Cell, Member } from "#libs/reporting";
import { greedyState, meanOfDomains, measured, overall } from "../greedy.ts";
import type { Outcomes } from "../outcome.ts";
import type { ReadCurve } from "../planner.ts";
import type { BetweenPlan } from "./between.ts";
import type { AveragePlan, CellPlan } from "./cell.ts";
import type { Predicted } from "./predictions.ts";
import type { MemberPlan, SetPlan } from "./set.ts";

/** Scores of one thing on both kinds of data; what failed is missing. */
type Scores = { readonly heldOut?: PredictionScore; readonly validation?: PredictionScore };

/** Collects what the report says of each cell, from the outcomes of a run and its training curves. */
export function collectStudy(cells: readonly CellPlan[], outcomes: Outcomes, readCurve: ReadCurve): Promise<Cell[]> {
  return Promise.all(cells.map((cell) => collectCell(cell, outcomes, readCurve)));
}

async function collectCell(plan: CellPlan, outcomes: Outcomes, readCurve: ReadCurve): Promise<Cell> {
  const { seed, heldOut, sets, averages, scores } = plan;
  const scored = sets.map((set) => ({ set, scores: scoresOf(set.members, set.scores, outcomes) }));
  const members = await Promise.all(
    scored.flatMap((each) =>
      each.set.members.map((member) => collectMember(each.set, member, each.scores.get(member), outcomes, readCurve)),
    ),
  );
  return {
    seed,
    heldOut,
    members: members.filter((member) => member !== undefined),
    failed: sets.flatMap((set) => set.members.flatMap((member) => failureOf(set, member, outcomes))),
    averages: [...collectAverages(plan, scoresOf(averages, scores, outcomes), outcomes), ...collectEnsembles(sets, outcomes)],
    greedy: sets.flatMap(({ name, greedy }) => {
      const state = greedy && greedyState(greedy, outcomes);
      return state ? [{ set: name, selected: state.taken }] : [];
    }),
    barriers: scored.flatMap((each) => barriersOf(each.set, each.scores, outcomes)),
    diversity: sets.flatMap(({ name, diversity }) => {
      const found = diversity === undefined ? undefined : measured(diversity, "diversity", outcomes);
      return found ? [{ set: name, ratioError: found.ratioError, pairs: found.pairs }] : [];
    }),
    interpolations: scored.flatMap((each) => interpolationsOf(each.set, each.scores, outcomes)),
  };
}

/** What was measured of things together: a measurement counts those whose predictions were made. */
function scoresOf<T extends Predicted>(things: readonly T[], measurement: Predicted, outcomes: Outcomes): Map<T, Scores> {
  const on = (part: keyof Predicted) => {
    const predictions = measured(measurement[part], "accuracy", outcomes)?.predictions ?? [];
    const made = things.filter((thing) => outcomes.get(thing[part])?.state === "done");
    return new Map(made.map((thing, i) => [thing, predictions[i]]));
  };
  const [heldOut, validation] = [on("heldOut"), on("validation")];
  return new Map(
    things.map((thing) => {
      const [there, here] = [heldOut.get(thing), validation.get(thing)];
      return [thing, { ...(there ? { heldOut: there } : {}), ...(here ? { validation: here } : {}) }];
    }),
  );
}

async function collectMember(
  { name }: SetPlan,
  { node, index, initialisation, learningRate, dropout, weightDecay }: MemberPlan,
  { heldOut, validation }: Scores = {},
  outcomes: Outcomes,
  readCurve: ReadCurve,
): Promise<Member | undefined> {
  const outcome = outcomes.get(node);
  if (outcome?.state !== "done" || !heldOut || !validation) return undefined;
  const { bestStep = 0, curve } = outcome.trained ?? {};
  return {
    ...{ set: name, index, initialisation, learningRate, dropout, weightDecay, bestStep },
    validationAccuracy: meanOfDomains(validation),
    accuracy: overall(heldOut),
    model: outcome.digest,
    curve: await readCurve(curve),
  };
}

/** Why a member is not in the report: its training failed, or a prediction of it. */
function failureOf(set: SetPlan, { node, index, heldOut, validation }: MemberPlan, outcomes: Outcomes): Cell["failed"][number][] {
  const failed = [node, heldOut, validation].map((id) => outcomes.get(id)).find((outcome) => outcome?.state === "failed");
  return failed?.state === "failed" ? [{ set: set.name, index, error: failed.error }] : [];
}

function collectAverages(
  { averages, sets, calibration }: CellPlan,
  scores: ReadonlyMap<AveragePlan, Scores>,
  outcomes: Outcomes,
): Cell["averages"][number][] {
  const calibrations = measured(calibration, "calibration", outcomes)?.predictions ?? [];
  return averages.flatMap((average, i) => {
    const { method, node } = average;
    const { ece, brier } = calibrations[i] ?? {};
    const outcome = outcomes.get(node);
    const { heldOut, validation } = scores.get(average) ?? {};
    if (outcome?.state !== "done" || !heldOut || !validation) return [];
    const set = sets.find(({ name }) => name === average.set);
    const selected = set?.greedy && method.endsWith("-greedy") ? greedyState(set.greedy, outcomes)?.taken.length : undefined;
    const survivors = set?.members.filter((member) => outcomes.get(member.node)?.state === "done").length;
    return [
      {
        method,
        accuracy: overall(heldOut),
        validationAccuracy: meanOfDomains(validation),
        model: outcome.digest,
        members: selected ?? survivors ?? 1,
        ...(ece === undefined || brier === undefined ? {} : { calibration: { ece, brier } }),
      },
    ];
  });
}

function collectEnsembles(sets: readonly SetPlan[], outcomes: Outcomes): Cell["averages"][number][] {
  return sets.flatMap(({ ensemble, members }) => {
    const found = ensemble === undefined ? undefined : measured(ensemble, "ensemble", outcomes);
    if (!found) return [];
    const made = members.filter(({ heldOut }) => outcomes.get(heldOut)?.state === "done");
    return [{ method: "recycling-ensemble" as const, accuracy: overall(found), members: made.length }];
  });
}

const parts = [
  ["id-validation", "validation"],
  ["held-out", "heldOut"],
] as const;

function barriersOf(
  { name, members, between }: SetPlan,
  scores: ReadonlyMap<MemberPlan, Scores>,
  outcomes: Outcomes,
): Cell["barriers"][number][] {
  if (!between) return [];
  const places = scoresOf(between.places, between.scores, outcomes);
  return parts.flatMap(([domain, part]) => {
    const barriers = between.places.flatMap((place) => {
      const halfway = places.get(place)?.[part];
      const [a, b] = place.pair.map((index) => scores.get(members[index]!)?.[part]);
      if (place.of !== 2 || !halfway || !a || !b) return [];
      return [{ accuracy: (overall(a) + overall(b)) / 2 - overall(halfway), loss: halfway.loss - (a.loss + b.loss) / 2 }];
    });
    if (barriers.length === 0) return [];
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return [
      {
        set: name,
        domain,
        mean: mean(barriers.map(({ accuracy }) => accuracy)),
        max: Math.max(...barriers.map(({ accuracy }) => accuracy)),
        meanLoss: mean(barriers.map(({ loss }) => loss)),
      },
    ];
  });
}

function interpolationsOf(
  { name, members, between }: SetPlan,
  scores: ReadonlyMap<MemberPlan, Scores>,
  outcomes: Outcomes,
): Cell["interpolations"][number][] {
  if (!between) return [];
  const places = scoresOf(between.places, between.scores, outcomes);
  return between.curves.flatMap((pair) => {
    const along = placesOf(between, pair);
    const accuracies = (part: keyof Scores) => {
      const ends = pair.map((index) => scores.get(members[index]!)?.[part]);
      const all = [ends[0], ...along.map((place) => places.get(place)?.[part]), ends[1]];
      return all.flatMap((score) => (score ? [overall(score)] : []));
    };
    const [heldOut, validation] = [accuracies("heldOut"), accuracies("validation")];
    const lambdas = [0, ...along.map(({ part, of }) => part / of), 1];
    const complete = heldOut.length === lambdas.length && validation.length === lambdas.length;
    return complete ? [{ set: name, pair, lambdas, heldOut, validation }] : [];
  });
}

/** The places of a curve from its first to its second end: with an even number of steps the halfway point is one of them. */
function placesOf({ places, points }: BetweenPlan, pair: readonly [number, number]): BetweenPlan["places"][number][] {
  const steps = points - 1;
  return places
    .filter((place) => place.pair[0] === pair[0] && place.pair[1] === pair[1] && steps % place.of === 0)
    .sort((a, b) => a.part / a.of - b.part / b.of);
}
