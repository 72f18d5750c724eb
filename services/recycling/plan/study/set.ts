import type { Method, SetName } from "#libs/reporting";
import type { GreedyTrials } from "../greedy.ts";
import { type PlannedMember, selectsFrom } from "../sets.ts";
import { type BetweenPlan, planBetween } from "./between.ts";
import type { CellBuilder } from "./cell-builder.ts";
import type { Start } from "./foundation.ts";
import type { Predicted } from "./predictions.ts";
import { drawHyperparameters, groups } from "./ranges.ts";
import { seeds } from "./seeds.ts";

/** One fine-tuning of a set, and its predictions. */
export type MemberPlan = PlannedMember & Predicted;

/** A set of fine-tunings and what is measured on it. What the run does not ask for, or what one member cannot have, is absent. */
export type SetPlan = {
  readonly name: SetName;
  readonly members: readonly MemberPlan[];
  /** Accuracies of the members, in their order. */
  readonly scores: Predicted;
  readonly greedy?: GreedyTrials;
  readonly ensemble?: string;
  readonly diversity?: string;
  readonly between?: BetweenPlan;
};

/**
 * Plans a set: members that differ in seed and hyper-parameters, all with the head of the shared linear probe.
 * @param start where member m starts.
 */
export function planSet(cell: CellBuilder, name: SetName, start: (member: number) => Start): SetPlan {
  const { spec, predictor, tolerant } = cell;
  const methods = new Set(spec.methods as Method[]);
  const members = Array.from({ length: spec.study.members }, (_, index) => planMember(cell, name, index, start(index)));
  const scores = predictor.score(name, members, tolerant);
  const heldOut = members.map((member) => member.heldOut);
  const selects = selectsFrom(name, methods);
  const several = members.length > 1;
  return {
    name,
    members,
    scores,
    ...(selects ? { greedy: planGreedy(cell, name, members, scores.validation) } : {}),
    ...(name === "recycled" && methods.has("recycling-ensemble")
      ? { ensemble: predictor.measure(`${name}/ensemble`, "ensemble", heldOut, tolerant) }
      : {}),
    ...(several ? { diversity: predictor.measure(`${name}/diversity`, "diversity", heldOut, tolerant) } : {}),
    ...(several && spec.study.curves.barriers > 0 ? { between: planBetween(cell, name, members) } : {}),
  };
}

function planMember(cell: CellBuilder, set: SetName, index: number, start: Start): MemberPlan {
  const { spec, shared, add, seed, split, training, tolerant, predictor, probe } = cell;
  const { fineTuning, ranges, target } = spec.study;
  const drawn = drawHyperparameters(ranges, fineTuning, { trial: seed, group: groups.cell(cell.index), run: index });
  const node = add({
    id: `${set}/${index}`,
    stage: "fine-tuning",
    template: shared.recipes.train({
      dataset: shared.target,
      split,
      weights: start.source,
      head: { node: probe },
      classes: target.classes.length,
      domains: training,
      training: fineTuning,
      hyperparameters: drawn,
      // The probe was trained on the foundation's features: with those of another start the head settles first.
      warmUp: start.source !== cell.foundation,
      seed: seeds.member(seed, cell.index, set, index),
    }),
    work: shared.work.training((fineTuning.steps + fineTuning.headOnlySteps) * fineTuning.batch * training.length),
    expendable: tolerant,
  });
  return { ...drawn, ...predictor.both(`${set}/${index}`, [{ node }], { expendable: tolerant }), node, index, initialisation: start.name };
}

/** One trial for each member but the first: the next candidate in the mean with those that were taken. */
function planGreedy(cell: CellBuilder, set: SetName, members: readonly MemberPlan[], scores: string): GreedyTrials {
  const { predictor, tolerant } = cell;
  const among = members.map(({ node, validation }) => ({ model: node, prediction: validation }));
  const trials: string[] = [];
  for (let i = 1; i < members.length; i++) {
    const id = `${set}/greedy/${i}`;
    const greedy = { among, scores, trials: [...trials], next: true };
    const prediction = predictor.validation(id, [{ greedy }], { expendable: tolerant });
    trials.push(predictor.measure(`${id}/accuracy`, "accuracy", [prediction], tolerant));
  }
  return { among, scores, trials, next: false };
}
