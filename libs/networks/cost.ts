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
  /** Bytes of the largest of those: a forward pass alone keeps few at a time. */
  readonly largestBytes: number;
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
  const entering = [input.channels, input.height, input.width];
  let multiplyAdds = 0;
  let kept = product(entering);
  let largest = kept;
  for (const [index, op] of graph.entries()) {
    const from = op.from === INPUT ? entering : shapes[op.from]!;
    const shape = shapes[index]!;
    const values = product(shape) + insideOf(op, from);
    multiplyAdds += multiplyAddsOf(op, from, shape, sizes);
    kept += values;
    largest = Math.max(largest, values);
  }
  return { parameters, bytes, multiplyAdds, activationBytes: 4 * kept, largestBytes: 4 * largest };
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
