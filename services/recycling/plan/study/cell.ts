import type { Method, SetName } from "#libs/reporting";
import { OnFailure } from "#proto/ratatouille/v1/recycling_pb.ts";
import { averagesOf, needsSoup } from "../sets.ts";
import type { Node, Source } from "../template.ts";
import { AVERAGE_WORK, uniformAverage } from "../uniform-average.ts";
import type { AddNode } from "./add-node.ts";
import type { CellBuilder } from "./cell-builder.ts";
import type { FoundationPlan } from "./foundation.ts";
import { fusedStart } from "./fused.ts";
import { createPredictor, type Predicted } from "./predictions.ts";
import { seeds } from "./seeds.ts";
import { planSet, type SetPlan } from "./set.ts";
import { type CompleteStudy, enginesOf } from "./specification.ts";

/** An averaged model, or the probe, and whose weights went in. */
export type AveragePlan = Predicted & { readonly method: Method; readonly node: string; readonly set?: SetName };

/** One trial with one held-out domain: where the report finds its numbers. */
export type CellPlan = {
  readonly seed: number;
  readonly heldOut: string;
  readonly sets: readonly SetPlan[];
  readonly averages: readonly AveragePlan[];
  /** Accuracies of the averages, in their order. */
  readonly scores: Predicted;
  /** Calibrations of the averages on the held-out domain, in their order. */
  readonly calibration: string;
};

/** The graph of one trial and one held-out domain. */
export function planCell(
  spec: CompleteStudy,
  shared: FoundationPlan,
  seed: number,
  heldOut: string,
  split: Source,
): { readonly nodes: readonly Node[]; readonly plan: CellPlan } {
  const { study } = spec;
  const nodes: Node[] = [];
  const index = study.target.domains.indexOf(heldOut);
  const training = study.target.domains.filter((domain) => domain !== heldOut);
  const prefix = `${seed}/${index}`;
  const shown = `seed ${seed} · held out ${heldOut}`;
  const add: AddNode = ({ id, expendable = false, ...node }) => {
    const trained = node.template.kind === "train" || node.template.kind === "predict";
    const label = `${shown} · ${id.replaceAll("/", " ").replaceAll("-", " ")}`;
    nodes.push({ id: `${prefix}/${id}`, label, expendable, ...(trained ? { engines: enginesOf(spec) } : {}), ...node });
    return `${prefix}/${id}`;
  };
  const probe = add({
    id: "linear-probe",
    stage: "linear probe",
    template: shared.recipes.train({
      dataset: shared.target,
      split,
      ...(shared.foundation ? { weights: shared.foundation, seed: seeds.probe(seed, index) } : { seed: seeds.foundation() }),
      classes: study.target.classes.length,
      domains: training,
      training: study.probe,
      headOnly: true,
    }),
    work: shared.work.training(study.probe.steps * study.probe.batch * training.length, true),
  });
  const predictor = createPredictor({ shared, heldOut, training, split, study, add });
  const cell: CellBuilder = {
    ...{ spec, shared, seed, index, training, split, probe, add, predictor },
    foundation: shared.foundation ?? { node: probe },
    tolerant: spec.onFailure === OnFailure.CONTINUE,
  };
  const sets = planSets(cell);
  const averages = planAverages(cell, sets);
  const scores = predictor.score("averages", averages, false);
  const heldOutPredictions = averages.map((average) => average.heldOut);
  const calibration = predictor.measure("averages/calibration", "calibration", heldOutPredictions, false);
  return { nodes, plan: { seed, heldOut, sets, averages, scores, calibration } };
}

/**
 * The sets that the methods need. Recycled members start from the foundation and the auxiliaries in turn, without randomness, and from the
 * fine-tunings of one auxiliary in turn as well. Without auxiliaries there is nothing to fuse.
 */
function planSets(cell: CellBuilder): SetPlan[] {
  const methods = new Set(cell.spec.methods as Method[]);
  const foundation = [{ name: "foundation", source: cell.foundation }];
  const pool = [foundation, ...cell.shared.auxiliaries];
  const turn = (member: number) => {
    const models = pool[member % pool.length]!;
    return models[member % models.length]!;
  };
  const sets = [planSet(cell, "recycled", turn)];
  if (needsSoup(methods)) sets.unshift(planSet(cell, "soup", () => foundation[0]!));
  if (methods.has("fusing") && cell.shared.auxiliaries.length > 0)
    sets.push(planSet(cell, "fused", (member) => fusedStart(cell, pool, member)));
  return sets;
}

function planAverages(cell: CellBuilder, sets: readonly SetPlan[]): AveragePlan[] {
  const methods = new Set(cell.spec.methods as Method[]);
  const of = (method: Method, node: string, set?: SetName): AveragePlan => ({
    ...{ method, node, ...cell.predictor.both(method, [{ node }]) },
    ...(set ? { set } : {}),
  });
  const average = (method: Method, models: readonly Source[]) =>
    cell.add({ id: method, stage: "averaging", template: uniformAverage(models), work: AVERAGE_WORK });
  const planned: AveragePlan[] = methods.has("linear-probe") ? [of("linear-probe", cell.probe)] : [];
  for (const { name, members, greedy } of sets) {
    const [uniform, selected] = averagesOf[name] ?? [];
    const models = members.map(({ node }) => ({ node }));
    if (uniform && methods.has(uniform)) planned.push(of(uniform, average(uniform, models), name));
    if (selected && greedy) planned.push(of(selected, average(selected, [{ greedy }]), name));
  }
  return planned;
}
