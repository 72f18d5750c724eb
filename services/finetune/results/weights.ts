import { FEATURES, SIDE } from "#libs/datasets";
import { networkNames, networkOf } from "#libs/networks";
import { mediaTypes, type Recipe, type TrainingParameters, type TrainParameters } from "#libs/recipes";
import type { Check } from "./check.ts";
import { notFinite } from "./finite.ts";
import type { Given } from "./given.ts";
import { layerOf } from "./layer.ts";
import { type Expected, type Tensor, unfitTensor } from "./tensors.ts";

/** Of a training: the tensors of its network, or of the model that it starts from where only trainers know the network; finite numbers. */
export const checkWeights: Check = async ({ recipe, layers, files, given }) => {
  const file = await files.open(layerOf(layers, mediaTypes.weights));
  return unfitTensor(file.header.tensors, await expectedOf(recipe, given)) ?? (await notFinite(file));
};

async function expectedOf({ kind, parameters }: Recipe, given: Given): Promise<Expected> {
  if (kind !== "train") {
    const { hidden, classes } = parameters as TrainingParameters;
    return builtIn({ name: "mlp", channels: FEATURES / SIDE ** 2, size: SIDE, options: { hidden } }, classes);
  }
  const { network, classes, head = [] } = parameters as TrainParameters;
  if (networkNames().includes(network.name)) return builtIn(network, classes);
  const start = await given.model("weights");
  return { whose: "the model that it starts from", ...(start ? { tensors: start.tensors } : {}), head, classes, isStart: true };
}

const known = new Map<string, Expected>();
const MOST_KNOWN = 100;

/** The tensors of a network of libs/networks. That it can be had is known since the job was submitted. */
function builtIn(network: TrainParameters["network"], classes: number): Expected {
  const key = JSON.stringify([network, classes]);
  const before = known.get(key);
  if (before) return before;
  const { name, ...needs } = network;
  const { tensors } = networkOf(name, { ...needs, classes } as Parameters<typeof networkOf>[1]);
  const expected: Expected = {
    whose: `${name} with ${classes} ${classes === 1 ? "class" : "classes"}`,
    tensors: new Map(tensors.map((tensor): [string, Tensor] => [tensor.name, tensor])),
    head: [],
    classes,
    isStart: false,
  };
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, expected);
  return expected;
}
