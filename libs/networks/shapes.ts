import { INPUT, type Network, type Op, type Value } from "./types.ts";

/** What shapes are found from. */
export type Shaped = Pick<Network, "graph" | "tensors" | "input">;

/**
 * The shape of each operation's output for one example, in the graph's order: [channels, height, width], [count, features] or [features].
 * Throws RangeError naming the first operation that does not fit what enters it.
 * @example
 * ```ts
 * outputShapes(networkOf("mnist-cnn", { classes: 10 })).at(-1); // [10]
 * ```
 */
export function outputShapes({ graph, tensors, input }: Shaped): readonly (readonly number[])[] {
  const weights = new Map(tensors.map(({ name, shape }) => [name, shape]));
  const shapes: (readonly number[])[] = [];
  const shapeOf = (value: Value) => (value === INPUT ? [input.channels, input.height, input.width] : shapes[value]);
  graph.forEach((op, index) => {
    const from = shapeOf(op.from);
    const shape = from && outputShape(op, from, (name) => weights.get(name) ?? [], shapeOf);
    if (shape?.every((size) => Number.isInteger(size) && size > 0) !== true)
      throw new RangeError(`operation ${index} (${op.op}) does not fit [${from?.join(", ") ?? "nothing"}]`);
    shapes.push(shape);
  });
  return shapes;
}

type Lookup<Key> = (key: Key) => readonly number[] | undefined;

function outputShape(op: Op, from: readonly number[], weight: (name: string) => readonly number[], shapeOf: Lookup<Value>) {
  switch (op.op) {
    case "conv2d": {
      const [outputs = 0, channels = 0, kernel = 0] = weight(op.weight);
      return from[0] === channels * op.groups ? pooled(from, outputs, { ...op, kernel }) : undefined;
    }
    case "max-pool":
      return pooled(from, from[0]!, op);
    case "linear": {
      const [outputs = 0, inputs = 0] = weight(op.weight);
      return featuresOf(from) === inputs ? withFeatures(from, outputs) : undefined;
    }
    case "batch-norm":
    case "group-norm":
    case "layer-norm":
    case "scale":
      return featuresOf(from) === weight(op.weight)[0] ? from : undefined;
    case "relu":
    case "relu6":
    case "gelu":
    case "dropout":
      return from;
    case "add":
      return shapeOf(op.other)?.join() === from.join() ? from : undefined;
    case "average":
      return from.length === 3 ? [from[0]!] : undefined;
    case "flatten":
      return from.length === 3 ? [product(from)] : undefined;
    case "tokens":
      return from.length === 3 ? [from[1]! * from[2]!, from[0]!] : undefined;
    case "class-token":
      return from.length === 2 && from[1] === weight(op.weight)[2] ? [from[0]! + 1, from[1]!] : undefined;
    case "positions":
      return weight(op.weight).join() === [1, ...from].join() ? from : undefined;
    case "attention":
      return from.length === 2 && from[1]! % (3 * op.heads) === 0 ? [from[0]!, from[1]! / 3] : undefined;
    case "take-token":
      return from.length === 2 && op.index < from[0]! ? [from[1]!] : undefined;
  }
}

/** Features are the channels of a picture, and the last axis of everything else. */
function featuresOf(shape: readonly number[]): number {
  return shape.length === 3 ? shape[0]! : shape.at(-1)!;
}

function withFeatures(shape: readonly number[], features: number): readonly number[] {
  return shape.length === 3 ? [features, ...shape.slice(1)] : [...shape.slice(0, -1), features];
}

type Window = { readonly kernel: number; readonly stride: number; readonly padding: number | "same" };

function pooled(from: readonly number[], channels: number, { kernel, stride, padding }: Window): readonly number[] | undefined {
  if (from.length !== 3) return undefined;
  const along = (size: number) => (padding === "same" ? Math.ceil(size / stride) : Math.floor((size + 2 * padding - kernel) / stride) + 1);
  return [channels, along(from[1]!), along(from[2]!)];
}

/** How many numbers a shape has. */
export function product(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}
