import { sub } from "#libs/deterministic";
import type { Method, SetName } from "#libs/reporting";
import { OnFailure } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type PlannedMember, selectsFrom } from "../sets.ts";
import { type CellBuilder, CLASSES } from "./cell-builder.ts";
import { trainingParameters } from "./foundation.ts";
import { drawHyperparameters } from "./hyperparameters.ts";
import { mlpWork } from "./work.ts";

/** Child seeds of a cell, one for each set. */
const SET_SEEDS: { readonly [S in SetName]: number } = { soup: 2, recycled: 3, fused: 4 };
/** Curves between members in the report: enough to see the shape. */
const CURVES = 3;
const CURVE_POINTS = 11;

/** A set of fine-tunings and what is measured on it. Nodes that the run does not ask for, or that one member cannot have, are absent. */
export type SetPlan = {
  readonly name: SetName;
  readonly members: readonly PlannedMember[];
  readonly accuracy: string;
  readonly greedy?: string;
  readonly ensemble?: string;
  readonly barriers?: string;
  readonly diversity?: string;
  readonly interpolation?: string;
};

/**
 * Plans a set: members that differ in seed and hyper-parameters, all with the head of the shared linear probe.
 * @param start where member m starts: the featurizer's node and its name.
 */
export function planSet(
  cell: CellBuilder,
  name: SetName,
  probe: string,
  start: (member: number) => { readonly name: string; readonly node: string },
): SetPlan {
  const { spec } = cell;
  const methods = new Set(spec.methods as Method[]);
  const tolerant = spec.onFailure === OnFailure.CONTINUE;
  const members = Array.from({ length: spec.fineTuning.members }, (_, index) =>
    planMember(cell, name, probe, index, start(index), tolerant),
  );
  const ids = members.map(({ node }) => node);
  const count = members.length;
  const models = ids.map((node) => ({ node }));
  const both = ["heldOut", "validation"] as const;
  const pairs = Array.from({ length: Math.min(CURVES, count - 1) }, (_, i) => [i, i + 1]);
  const measure = (id: string, on: readonly ("heldOut" | "validation")[], passes: number, extra = {}, scoresOf?: readonly string[]) =>
    cell.evaluate({
      id: `${name}/${id}`,
      models,
      parameters: { measure: id, ...extra },
      on,
      passes,
      expendable: tolerant,
      ...(scoresOf ? { scoresOf } : {}),
    });
  const greedy = selectsFrom(name, methods);
  return {
    name,
    members,
    accuracy: measure("accuracy", both, count),
    ...(greedy ? { greedy: measure("greedy", ["validation"], count, {}, ids) } : {}),
    ...(name === "recycled" && methods.has("recycling-ensemble") ? { ensemble: measure("ensemble", ["heldOut"], count) } : {}),
    ...(count > 1
      ? {
          barriers: measure("barriers", both, (count * (count + 1)) / 2),
          diversity: measure("diversity", ["heldOut"], count),
          interpolation: measure("interpolation", both, pairs.length * CURVE_POINTS, { pairs, points: CURVE_POINTS }),
        }
      : {}),
  };
}

function planMember(
  cell: CellBuilder,
  set: SetName,
  probe: string,
  index: number,
  start: { readonly name: string; readonly node: string },
  expendable: boolean,
): PlannedMember {
  const { spec, arithmetic, training, cellSeed } = cell;
  const tuning = spec.fineTuning.training;
  const drawn = drawHyperparameters(cellSeed, index, spec.fineTuning);
  const node = cell.add({
    id: `${set}/${index}`,
    stage: "fine-tuning",
    template: {
      kind: "fine-tune",
      inputs: { datasets: training, featurizer: { node: start.node }, head: { node: probe } },
      parameters: trainingParameters(spec, CLASSES, tuning, {
        ...drawn,
        keep: "best",
        validationFraction: spec.target.validationFraction,
        validateEvery: spec.fineTuning.validateEvery,
      }),
      seed: sub(sub(cellSeed, SET_SEEDS[set]), index),
      arithmetic,
    },
    work: mlpWork(spec.foundation.hidden, CLASSES, tuning, training.length),
    expendable,
  });
  return { ...drawn, node, index, initialisation: start.name };
}
