import { sub } from "#libs/deterministic";
import type { Method, SetName } from "#libs/reporting";
import { averagesOf, needsSoup } from "../sets.ts";
import type { Node, Source } from "../template.ts";
import { AVERAGE_WORK, uniformAverage } from "../uniform-average.ts";
import { buildCell, type CellBuilder, CLASSES } from "./cell-builder.ts";
import { type FoundationPlan, trainingParameters } from "./foundation.ts";
import { planSet, type SetPlan } from "./set.ts";
import type { CompleteSpec } from "./specification.ts";
import { mlpWork } from "./work.ts";

/** An averaged model: the node that makes it, and whose weights went in. */
export type AveragePlan = { readonly method: Method; readonly node: string; readonly set?: SetName; readonly greedy?: string };

/** One seed with one held-out domain: where the report finds its numbers. */
export type CellPlan = {
  readonly seed: number;
  readonly heldOut: string;
  readonly sets: readonly SetPlan[];
  /** Models that are measured together, in the order of `averagesAccuracy`. */
  readonly averages: readonly AveragePlan[];
  readonly averagesAccuracy: string;
};

/** What people call a domain. */
export function domainName(degrees: number): string {
  return `${degrees}°`;
}

/** The graph of one seed and one held-out domain. */
export function planCell(
  spec: CompleteSpec,
  seed: number,
  degrees: number,
  arithmetic: string,
  foundation: FoundationPlan,
): { readonly nodes: readonly Node[]; readonly plan: CellPlan } {
  const index = spec.target.domains.indexOf(degrees);
  const heldOut = domainName(degrees);
  const nodes: Node[] = [];
  const cell = buildCell(
    {
      spec,
      arithmetic,
      foundation,
      cellSeed: sub(seed, 300 + index),
      training: foundation.domains.filter((_, i) => i !== index).map((node) => ({ node })),
      heldOut: { node: foundation.domains[index] as string },
      prefix: `${seed}/${heldOut}`,
      shown: `seed ${seed} · held out ${heldOut}`,
    },
    nodes,
  );
  const probe = planProbe(cell);
  const sets = planSets(cell, probe);
  const averages = planAverages(cell, probe, sets);
  const averagesAccuracy = cell.evaluate({
    id: "averages/accuracy",
    models: averages.map(({ node }) => ({ node })),
    parameters: { measure: "accuracy" },
    on: ["heldOut", "validation"],
    passes: averages.length,
  });
  return { nodes, plan: { seed, heldOut, sets, averages, averagesAccuracy } };
}

/** The linear probe of the foundation model on the training domains, from which every fine-tuning of the cell takes its head. */
function planProbe({ add, spec, arithmetic, foundation, cellSeed, training }: CellBuilder): string {
  return add({
    id: "probe",
    stage: "linear probe",
    label: "linear probe",
    template: {
      kind: "probe",
      inputs: { datasets: training, featurizer: { node: foundation.pretrained } },
      parameters: trainingParameters(spec, CLASSES, spec.probe, {
        train: "head",
        validationFraction: spec.target.validationFraction,
        headInit: { kind: "zeros", scale: 1, seed: 0 },
      }),
      seed: sub(cellSeed, 1),
      arithmetic,
    },
    work: mlpWork([], CLASSES, spec.probe, training.length) + 1e8,
  });
}

/**
 * The sets that the methods need. Recycled members start from the foundation model and the auxiliary fine-tunings in turn
 * (a round-robin without randomness); fused ones from the average of all of these.
 */
function planSets(cell: CellBuilder, probe: string): SetPlan[] {
  const { foundation, spec } = cell;
  const methods = new Set(spec.methods as Method[]);
  const pretrained = { name: "foundation", node: foundation.pretrained };
  const pool = [pretrained, ...foundation.auxiliaries];
  const sets = [planSet(cell, "recycled", probe, (member) => pool[member % pool.length] ?? pretrained)];
  if (needsSoup(methods)) {
    sets.unshift(planSet(cell, "soup", probe, () => pretrained));
  }
  const { fused } = foundation;
  if (fused !== undefined) sets.push(planSet(cell, "fused", probe, () => ({ name: "fused", node: fused })));
  return sets;
}

function planAverages(cell: CellBuilder, probe: string, sets: readonly SetPlan[]): AveragePlan[] {
  const methods = new Set(cell.spec.methods as Method[]);
  const averages: AveragePlan[] = methods.has("linear-probe") ? [{ method: "linear-probe", node: probe }] : [];
  for (const { name, members, greedy } of sets) {
    const [uniform, selected] = averagesOf[name] ?? [];
    const among = members.map(({ node }) => node);
    if (uniform && methods.has(uniform)) {
      const models = among.map((node) => ({ node }));
      averages.push({ method: uniform, node: planAverage(cell, uniform, models), set: name });
    }
    if (selected && greedy) {
      averages.push({ method: selected, node: planAverage(cell, selected, [{ selection: greedy, among }]), set: name, greedy });
    }
  }
  return averages;
}

function planAverage(cell: CellBuilder, id: string, models: readonly Source[]): string {
  return cell.add({
    id,
    stage: "averaging",
    label: id.replaceAll("-", " "),
    template: uniformAverage(models),
    work: AVERAGE_WORK,
  });
}
