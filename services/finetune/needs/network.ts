import { NetworkOptionsError, networkNames, networkOf, outputShapes } from "#libs/networks";
import { type PredictParameters, RecipeError, type TrainParameters } from "#libs/recipes";
import type { NeedsOfKind } from "./kind-needs.ts";

/** Bytes of a number in a tensor. */
const FLOAT = 4;
/**
 * Copies of a network's tensors at the largest while it is trained: those it starts from, parameters, gradient and two moments of Adam, the
 * best so far, a checkpoint of four of those, and the encoded model.
 */
const TRAINING_COPIES = 12;
/** Of a step's values: themselves, and their gradients with what an operation needs beside. */
const TRAINING_VALUES = 2;
/** While it predicts: the model as a file, its tensors, and the sum of several. */
const PREDICTION_COPIES = 4;
const PREDICTION_VALUES = 1.5;
/** Rows that are predicted at a time. */
const PREDICTION_ROWS = 64;
/** Decoded pictures that wait for their step, or are kept for another. */
const PICTURES_BYTES = 256 * 2 ** 20;

type Size = { readonly tensors: number; readonly values: number };

/** Of a training: twelve copies of the network's tensors, and twice all values that a step computes. */
export const trainingNeeds: NeedsOfKind = ({ parameters }) => {
  const { network, classes, batch, domains } = parameters as TrainParameters;
  const { tensors, values } = sizeOf(network, classes);
  const [forTensors, forValues] = [tensors * TRAINING_COPIES * FLOAT, values * batch * domains.length * TRAINING_VALUES * FLOAT];
  const field = forTensors >= forValues ? "network" : "batch";
  return { bytes: forTensors + forValues + PICTURES_BYTES, field, network: network.name };
};

/** Of a prediction, of one model or of the mean of any number. */
export const predictionNeeds: NeedsOfKind = ({ parameters }) => {
  const { network, classes } = parameters as PredictParameters;
  const { tensors, values } = sizeOf(network, classes);
  const bytes = tensors * PREDICTION_COPIES * FLOAT + values * PREDICTION_ROWS * PREDICTION_VALUES * FLOAT + PICTURES_BYTES;
  return { bytes, field: "network", network: network.name };
};

/** How many numbers a network has, and how many it computes of one picture. Of one that only its trainers know nothing is known. */
function sizeOf({ name, ...needs }: TrainParameters["network"], classes: number): Size {
  if (!networkNames().includes(name)) return { tensors: 0, values: 0 };
  try {
    const network = networkOf(name, { ...needs, classes } as Parameters<typeof networkOf>[1]);
    const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
    const sum = (shapes: readonly (readonly number[])[]) => shapes.reduce((total, shape) => total + count(shape), 0);
    return { tensors: sum(network.tensors.map(({ shape }) => shape)), values: sum(outputShapes(network)) };
  } catch (error) {
    if (error instanceof NetworkOptionsError) throw new RecipeError("parameters.network", error.message, { cause: error });
    throw error;
  }
}
