import { networkNames, networkOf } from "#libs/networks";
import { arithmetics, type Digest } from "#libs/recipes";
import type { Study_Auxiliary, Study_Task } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Lessons } from "../planner.ts";
import type { Node, Source } from "../template.ts";
import { AVERAGE_WORK } from "../uniform-average.ts";
import { drawHyperparameters, groups } from "./ranges.ts";
import { type RecipeWriter, recipeWriter } from "./recipes.ts";
import { seeds } from "./seeds.ts";
import { type CompleteStudy, enginesOf, needsOf } from "./specification.ts";
import { type Work, workOf } from "./work.ts";

/** A model that fine-tunings may start from, and what people call it. */
export type Start = { readonly name: string; readonly source: Source };

/** What all trials and held-out domains of a study share. */
export type FoundationPlan = {
  readonly nodes: readonly Node[];
  readonly recipes: RecipeWriter;
  readonly work: Work;
  /** The data set of the target. */
  readonly target: Source;
  /** Where every fine-tuning comes from; undefined where its weights are drawn, from `seeds.foundation`. */
  readonly foundation?: Source;
  /** For each auxiliary, its fine-tunings. */
  readonly auxiliaries: readonly (readonly Start[])[];
  /** The tensors of the network's head, which no start brings along. */
  readonly head: readonly string[];
  /** What the foundation and the auxiliaries have learned from. */
  readonly lessons: Lessons;
};

/** Generators that draw nothing. */
const AS_THEY_ARE: readonly string[] = ["image-shards/1", "records/1"];

/** Data, foundation and auxiliary fine-tunings: trained once, with the same seeds in every trial. */
export function planFoundation(spec: CompleteStudy): FoundationPlan {
  const { study } = spec;
  const { network, target } = study;
  const nodes: Node[] = [];
  const data = new Map<string, string>();
  const seen: Lessons["seen"][number][] = [];
  const recipes = recipeWriter(spec);

  /** The node of a data set: tasks of one source and one generator have one. */
  const dataOf = (id: string, name: string, { source, generator }: Study_Task): { readonly node: string } => {
    const key = `${generator} ${source}`;
    const known = data.get(key);
    if (known !== undefined) return { node: known };
    const seeded = !AS_THEY_ARE.includes(generator);
    nodes.push({
      id: `data/${id}`,
      stage: "data",
      label: `data of ${name}`,
      template: {
        kind: "dataset",
        inputs: { source: { digest: source as Digest } },
        parameters: { generator },
        ...(seeded ? { seed: 0 } : {}),
      },
      work: 1e7,
      expendable: false,
    });
    data.set(key, `data/${id}`);
    return { node: `data/${id}` };
  };

  /** The same, and noted down as something that a model has learned from; where items are held out, without those of their names. */
  const lessonOf = (id: string, name: string, task: Study_Task): Lesson => {
    const dataset = dataOf(id, name, task);
    seen.push({ label: name, ...dataset });
    if (study.heldOutItems === 0) return { dataset };
    const split = { node: `${dataset.node}/split` };
    if (!nodes.some((node) => node.id === split.node))
      nodes.push({
        id: split.node,
        stage: "data",
        label: `data of ${name} · split`,
        template: { kind: "split", inputs: { dataset }, parameters: recipes.split({ fraction: 0, trial: 0 }) },
        work: 1e6,
        expendable: false,
      });
    return { dataset, split };
  };

  const shared = { recipes, work: workOf(spec), nodes, dataOf };
  const targetData = dataOf("target", "the target", target);
  const foundation = planPretrained(spec, shared, lessonOf);
  if (study.foundation?.from.case === "model") seen.push({ label: "the foundation", model: study.foundation.from.value as Digest });
  for (const { name, models } of study.auxiliaries)
    for (const model of models) seen.push({ label: `the auxiliary ${name}`, model: model as Digest });
  const auxiliaries = study.auxiliaries.map((auxiliary, j) =>
    auxiliary.task
      ? planAuxiliary(spec, shared, foundation, auxiliary, j, lessonOf(`auxiliary/${j}`, `the auxiliary ${auxiliary.name}`, auxiliary.task))
      : auxiliary.models.map((digest, k) => ({
          name: startName(auxiliary.name, k, auxiliary.models.length),
          source: { digest: digest as Digest },
        })),
  );
  const head = networkNames().includes(network.name)
    ? networkOf(network.name, { classes: target.classes.length, ...needsOf(network) }).head
    : network.head;
  return {
    ...shared,
    target: targetData,
    ...(foundation ? { foundation } : {}),
    auxiliaries,
    head,
    lessons: { target: targetData.node, seen, heldOutItems: study.heldOutItems, allowed: study.sharedImages },
  };
}

/** Data to learn from, and which rows of them where not all. */
type Lesson = { readonly dataset: Source; readonly split?: Source };

type Shared = {
  readonly nodes: Node[];
  readonly recipes: RecipeWriter;
  readonly work: Work;
  readonly dataOf: (id: string, name: string, task: Study_Task) => { readonly node: string };
};

function planPretrained(
  spec: CompleteStudy,
  { nodes, recipes, work, dataOf }: Shared,
  lessonOf: (id: string, name: string, task: Study_Task) => Lesson,
): Source | undefined {
  const { study } = spec;
  const from = study.foundation?.from;
  if (from?.case === "model") return { digest: from.value as Digest };
  if (from?.case !== "pretraining")
    return networkNames().includes(study.network.name) ? undefined : planDrawn(spec, { nodes, recipes, work, dataOf });
  const task = from.value.task!;
  const training = from.value.training!;
  nodes.push({
    id: "foundation",
    stage: "pre-training",
    label: "foundation model",
    template: recipes.train({
      ...lessonOf("foundation", "the foundation", task),
      classes: task.classes.length,
      domains: task.domains,
      training,
      seed: seeds.foundation(),
    }),
    work: work.training(training.steps * training.batch * task.domains.length),
    expendable: false,
    engines: enginesOf(spec),
  });
  return { node: "foundation" };
}

/**
 * The weights of a network that only trainers know, where nothing gives them: one trainer draws them once, and all that starts from them gets the
 * same ones, whatever its classes. It takes one step of the head on the target; the head is left out, so that nothing of the data is in it.
 */
function planDrawn(spec: CompleteStudy, { nodes, recipes, work, dataOf }: Shared): Source {
  const { target, probe, network } = spec.study;
  const [domain = ""] = target.domains;
  const common = { stage: "pre-training", expendable: false } as const;
  nodes.push({
    ...common,
    id: "foundation/drawn",
    label: "foundation model · weights drawn",
    template: recipes.train({
      dataset: dataOf("target", "the target", target),
      classes: target.classes.length,
      domains: [domain],
      training: { ...probe, steps: 1, headOnlySteps: 0, validateEvery: 0 },
      headOnly: true,
      seed: seeds.foundation(),
    }),
    work: work.training(probe.batch, true),
    engines: enginesOf(spec),
  });
  nodes.push({
    ...common,
    id: "foundation",
    label: "foundation model",
    template: {
      kind: "average",
      inputs: { models: [{ node: "foundation/drawn" }] },
      parameters: { method: "uniform", exclude: [...network.head] },
      arithmetic: arithmetics.averaging,
    },
    work: AVERAGE_WORK,
  });
  return { node: "foundation" };
}

/** Fine-tunings on an auxiliary task: one linear probe for the new head, then all weights of each; the last step is kept. */
function planAuxiliary(
  spec: CompleteStudy,
  { nodes, recipes, work }: Shared,
  foundation: Source | undefined,
  auxiliary: Study_Auxiliary,
  j: number,
  lesson: Lesson,
): Start[] {
  const { study } = spec;
  const { name, count } = auxiliary;
  const task = auxiliary.task!;
  const probe = auxiliary.probe!;
  const training = auxiliary.training!;
  const common = { ...lesson, classes: task.classes.length, domains: task.domains };
  const probed = { node: `auxiliary/${j}/probe` };
  nodes.push({
    id: probed.node,
    stage: "auxiliary fine-tuning",
    label: `${name} · linear probe`,
    template: recipes.train({
      ...common,
      // A foundation that is drawn is the same wherever its seed is.
      ...(foundation ? { weights: foundation, seed: seeds.auxiliaryProbe(j) } : { seed: seeds.foundation() }),
      training: probe,
      headOnly: true,
    }),
    work: work.training(probe.steps * probe.batch * task.domains.length, true),
    expendable: false,
    engines: enginesOf(spec),
  });
  return Array.from({ length: count }, (_, k) => {
    const node = `auxiliary/${j}/${k}`;
    nodes.push({
      id: node,
      stage: "auxiliary fine-tuning",
      label: startName(name, k, count),
      template: recipes.train({
        ...common,
        weights: foundation ?? probed,
        head: probed,
        training,
        hyperparameters: drawHyperparameters(study.ranges, training, { trial: 0, group: groups.auxiliary(j), run: k }),
        seed: seeds.auxiliary(j, k),
      }),
      work: work.training(training.steps * training.batch * task.domains.length),
      expendable: false,
      engines: enginesOf(spec),
    });
    return { name: startName(name, k, count), source: { node } };
  });
}

/** "iNat", or "iNat (2)" where there are several. */
function startName(name: string, index: number, count: number): string {
  return count === 1 ? name : `${name} (${index + 1})`;
}
