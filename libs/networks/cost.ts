import { outputShapes, product } from "./shapes.ts";
import { INPUT, type Network, type Op } from "./types.ts";

/** What a network costs. Numbers are of 4 bytes. */
export type NetworkCost = {
  /** Numbers that training changes; buffers are not counted. */
  readonly parameters: number;
  /** Bytes of all tensors, as they are in a file. */
  readonly bytes: number;
  /** Multiplications, each with its addition, of convolutions, linear layers and attention in one forward pass of one picture. */
  readonly multiplyAdds: number;
  /** Bytes of what the operations give for one picture, all kept: what a backward pass needs. */
  readonly activationBytes: number;
};

/**
 * What a network costs for one picture.
 * @example
 * ```ts
 * const { parameters, multiplyAdds } = costOf(networkOf("resnet50", { classes: 1000 }));
 * parameters; // 25557032
 * multiplyAdds; // 4089184256
 * ```
 */
export function costOf(network: Network): NetworkCost {
  const { tensors, graph, input } = network;
  const sizes = new Map(tensors.map(({ name, shape }) => [name, product(shape)]));
  const shapes = outputShapes(network);
  const parameters = tensors.filter(({ role }) => role === "weight").reduce((sum, { shape }) => sum + product(shape), 0);
  const bytes = tensors.reduce((sum, { shape, dtype }) => sum + product(shape) * (dtype === "I64" ? 8 : 4), 0);
  let multiplyAdds = 0;
  let kept = input.channels * input.height * input.width;
  for (const [index, op] of graph.entries()) {
    const from = op.from === INPUT ? [input.channels, input.height, input.width] : shapes[op.from]!;
    const shape = shapes[index]!;
    multiplyAdds += multiplyAddsOf(op, from, shape, sizes);
    kept += product(shape) + insideOf(op, from);
  }
  return { parameters, bytes, multiplyAdds, activationBytes: 4 * kept };
}

/** What is kept for training, in bytes. */
export type TrainingNeeds = {
  /** Pictures of one step. */
  readonly rows: number;
  /** Whether only the head is trained: then nothing of the operations before it is kept. */
  readonly headOnly?: boolean;
};

/**
 * Bytes that a step of training with Adam holds at once, by this reckoning: the weights, their gradients and Adam's two moments, what the operations give
 * for all pictures, and a gradient of the largest of them with what it is made of. Engines need some more; what the process itself takes is not counted.
 * @example
 * ```ts
 * const network = networkOf("resnet50", { classes: 7 });
 * Math.round(trainingBytes(network, { rows: 96 }) / 2 ** 30); // 14
 * ```
 */
export function trainingBytes(network: Network, { rows, headOnly = false }: TrainingNeeds): number {
  const { bytes, parameters, activationBytes } = costOf(network);
  const { channels, height, width } = network.input;
  const largest = 4 * Math.max(channels * height * width, ...outputShapes(network).map(product));
  const heads = network.tensors.filter(({ name }) => network.head.includes(name)).reduce((sum, { shape }) => sum + product(shape), 0);
  const trained = headOnly ? heads : parameters;
  return bytes + 3 * 4 * trained + rows * (headOnly ? 3 * largest : activationBytes + 2 * largest);
}

function multiplyAddsOf(op: Op, from: readonly number[], shape: readonly number[], sizes: ReadonlyMap<string, number>): number {
  switch (op.op) {
    case "conv2d":
      // Each place of the output has every weight once.
      return sizes.get(op.weight)! * shape[1]! * shape[2]!;
    case "linear":
      return sizes.get(op.weight)! * placesOf(from);
    case "attention":
      return 2 * shape[0]! * shape[0]! * shape[1]!;
    default:
      return 0;
  }
}

/** Places of a picture, tokens, or 1. */
function placesOf(shape: readonly number[]): number {
  return shape.length === 3 ? shape[1]! * shape[2]! : shape.length === 2 ? shape[0]! : 1;
}

/** Numbers that an operation keeps besides its output: the products of queries with keys, and their softmax. */
function insideOf(op: Op, from: readonly number[]): number {
  return op.op === "attention" ? 2 * op.heads * from[0]! * from[0]! : 0;
}
