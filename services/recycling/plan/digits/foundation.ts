import { sub } from "#libs/deterministic";
import type { Digest, Json } from "#libs/recipes";
import type { Glyphs, Training } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Node } from "../template.ts";
import { AVERAGE_WORK, uniformAverage } from "../uniform-average.ts";
import type { CompleteSpec } from "./specification.ts";
import { mlpWork } from "./work.ts";

/** Tensors of the head. A fused featurizer has none. */
const HEAD = ["head.weight", "head.bias"];

/** Nodes that all cells of a seed share. */
export type FoundationPlan = {
  readonly nodes: readonly Node[];
  /** The pre-trained model, whose featurizer every fine-tuning descends from. */
  readonly pretrained: string;
  /** The auxiliary fine-tunings, in the order of the run file. */
  readonly auxiliaries: readonly { readonly name: string; readonly node: string }[];
  /** The average of the foundation's and the auxiliaries' featurizers, where the run fuses. */
  readonly fused?: string;
  /** The data sets of the target's domains, in the order of the run file. */
  readonly domains: readonly string[];
};

/** Parameters that every training of a run states, with the values that mean "none of it". */
export function trainingParameters(
  spec: CompleteSpec,
  classes: number,
  { steps, batch, learningRate }: Training,
  rest: { readonly [name: string]: Json },
): { readonly [name: string]: Json } {
  return {
    architecture: "mlp",
    hidden: spec.foundation.hidden,
    classes,
    steps,
    batch,
    learningRate,
    weightDecay: 0,
    dropout: 0,
    train: "all",
    keep: "last",
    validationFraction: 0,
    validateEvery: 0,
    ...rest,
  };
}

/**
 * Data, pre-training and auxiliary fine-tunings of one seed. Child seeds are those of the benchmark's specification:
 * 1 and 2 (symbols and images of pre-training), 3 (initial weights), 5 (auxiliary heads), 10 + j and 20 + j (symbols and images of
 * auxiliary task j). 40, 50 + j and 60 + j give the order of the data. From j = 10 on see `auxiliarySeed`.
 */
export function planFoundation(spec: CompleteSpec, seed: number, arithmetic: string): FoundationPlan {
  const { foundation, target, auxiliaries } = spec;
  const hidden = foundation.hidden;
  const pretrained = `${seed}/pretrained`;
  const data = glyphs(seed, "pre-training", "pre-training", foundation.data, sub(seed, 1), sub(seed, 2));
  const nodes: Node[] = [
    data,
    {
      id: pretrained,
      stage: "pre-training",
      label: `seed ${seed} · foundation model`,
      template: {
        kind: "pretrain",
        inputs: { datasets: [{ node: data.id }] },
        parameters: trainingParameters(spec, foundation.data.classes, foundation.training, { initSeed: sub(seed, 3) }),
        seed: sub(seed, 40),
        arithmetic,
      },
      work: mlpWork(hidden, foundation.data.classes, foundation.training, 1),
      expendable: false,
    },
  ];
  const domains = target.domains.map((degrees, domain) => {
    const node = domainData(seed, target.source as Digest, target.domains.length, domain, degrees);
    nodes.push(node);
    return node.id;
  });
  const planned = auxiliaries.map((auxiliary, j) => {
    const made = planAuxiliary(spec, seed, arithmetic, pretrained, auxiliary, j);
    nodes.push(...made);
    return { name: auxiliary.name, node: (made.at(-1) as Node).id };
  });
  if (!spec.methods.includes("fusing")) return { nodes, pretrained, auxiliaries: planned, domains };
  const fused = `${seed}/fused-featurizer`;
  nodes.push({
    id: fused,
    stage: "averaging",
    label: `seed ${seed} · fused featurizer`,
    template: uniformAverage(
      [pretrained, ...planned.map(({ node }) => node)].map((node) => ({ node })),
      HEAD,
    ),
    work: AVERAGE_WORK,
    expendable: false,
  });
  return { nodes, pretrained, auxiliaries: planned, domains, fused };
}

/** An auxiliary fine-tuning: symbols, a linear probe for the new head, then all weights; the last step is kept. */
function planAuxiliary(
  spec: CompleteSpec,
  seed: number,
  arithmetic: string,
  pretrained: string,
  { name, ...task }: CompleteSpec["auxiliaries"][number],
  j: number,
): Node[] {
  const { classes } = task.data;
  const hidden = spec.foundation.hidden;
  // Names are for people: ids count, so that no name makes two nodes one.
  const data = glyphs(seed, String(j), name, task.data, auxiliarySeed(seed, 10, j), auxiliarySeed(seed, 20, j));
  const probe: Node = {
    id: `${seed}/auxiliary/${j}/probe`,
    stage: "auxiliary fine-tuning",
    label: `seed ${seed} · ${name} · linear probe`,
    template: {
      kind: "probe",
      inputs: { datasets: [{ node: data.id }], featurizer: { node: pretrained } },
      parameters: trainingParameters(spec, classes, task.probe, {
        train: "head",
        headInit: { kind: "he", scale: 0.1, seed: sub(seed, 5) },
      }),
      seed: auxiliarySeed(seed, 50, j),
      arithmetic,
    },
    work: mlpWork([], classes, task.probe, 1) + task.data.images * 1e5,
    expendable: false,
  };
  const fineTuned: Node = {
    id: `${seed}/auxiliary/${j}`,
    stage: "auxiliary fine-tuning",
    label: `seed ${seed} · ${name}`,
    template: {
      kind: "fine-tune",
      inputs: { datasets: [{ node: data.id }], featurizer: { node: pretrained }, head: { node: probe.id } },
      parameters: trainingParameters(spec, classes, task.training, {}),
      seed: auxiliarySeed(seed, 60, j),
      arithmetic,
    },
    work: mlpWork(hidden, classes, task.training, 1),
    expendable: false,
  };
  return [data, probe, fineTuned];
}

/**
 * A child seed of auxiliary task j: `base` + j for the ten that the benchmark's specification has room for. From then on they would be those
 * of another purpose, so the others have a thousand each: 1010 and on, 2010, 5010, 6010.
 */
function auxiliarySeed(seed: number, base: number, j: number): number {
  return sub(seed, j < 10 ? base + j : 100 * base + j);
}

function glyphs(
  seed: number,
  id: string,
  name: string,
  { classes, images, styles, rotation }: Glyphs,
  alphabetSeed: number,
  imageSeed: number,
): Node {
  return {
    id: `${seed}/data/${id}`,
    stage: "data",
    label: `seed ${seed} · symbols for ${name}`,
    template: {
      kind: "dataset",
      inputs: {},
      parameters: { generator: "glyphs/1", classes, images, styles, rotation, alphabetSeed },
      seed: imageSeed,
    },
    work: images * 5e4,
    expendable: false,
  };
}

function domainData(seed: number, source: Digest, domains: number, domain: number, degrees: number): Node {
  return {
    id: `${seed}/domain/${domain}`,
    stage: "data",
    label: `seed ${seed} · digits at ${degrees}°`,
    template: {
      kind: "dataset",
      inputs: { source: { digest: source } },
      parameters: { generator: "rotated-digits/1", domain, domains, degrees },
      seed,
    },
    work: 1e7,
    expendable: false,
  };
}
