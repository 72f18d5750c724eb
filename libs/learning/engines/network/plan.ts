import type { Network, Op, Value } from "#libs/networks";
import { UnfitInputError } from "../../errors.ts";
import { attention } from "./attention.ts";
import { type ConvolutionParts, convolution } from "./convolution.ts";
import type { Layer } from "./layer.ts";
import { batchNorm, groupNorm, layerNorm } from "./normalisation.ts";
import { add, average, dropout, flatten, gelu, maxPool, relu, relu6, takeToken, tokens } from "./simple.ts";
import { classToken, linear, positions, scale } from "./weighted.ts";

/** A layer with the values that enter it and the one that it makes. */
export type Node = { readonly layer: Layer; readonly inputs: readonly Value[]; readonly output: Value; readonly operation: string };

/** The layers of a network in the order in which they run. */
export type Plan = { readonly nodes: readonly Node[]; readonly logits: Value; readonly uses: ReadonlyMap<Value, number> };

/**
 * The layers of a network, with convolutions, batch normalisations after them and activations after those made one, where nothing else
 * sees what is in between.
 * @throws UnfitInputError for an operation that no engine has
 */
export function planOf(network: Network): Plan {
  const { graph } = network;
  const users = new Map<Value, number[]>();
  graph.forEach((op, index) => {
    for (const input of inputsOf(op)) users.set(input, [...(users.get(input) ?? []), index]);
  });
  const nodes: Node[] = [];
  const done = new Set<Value>();
  graph.forEach((op, index) => {
    if (done.has(index)) return;
    if (op.op !== "conv2d") {
      nodes.push({ layer: layerOf(op), inputs: inputsOf(op), output: index, operation: op.op });
      return;
    }
    let output = index;
    const next = () => (users.get(output)?.length === 1 ? graph[users.get(output)![0]!] : undefined);
    const take = <O extends Op>(op: O): O => {
      output = users.get(output)![0]!;
      done.add(output);
      return op;
    };
    const second = next();
    const norm = second?.op === "batch-norm" && op.bias === undefined ? take(second) : undefined;
    const third = next();
    const activation = third?.op === "relu" || third?.op === "relu6" ? third.op : undefined;
    if (third && activation) take(third);
    nodes.push({ layer: convolutionOf(network, op, { norm, activation }), inputs: [op.from], output, operation: op.op });
  });
  const uses = new Map([...users].map(([value, indexes]) => [value, indexes.length]));
  return { nodes: nodes.sort((a, b) => a.output - b.output), logits: graph.length - 1, uses };
}

function inputsOf(op: Op): Value[] {
  return op.op === "add" ? [op.from, op.other] : [op.from];
}

function convolutionOf(network: Network, op: Extract<Op, { op: "conv2d" }>, parts: ConvolutionParts): Layer {
  const spec = network.tensors.find(({ name }) => name === op.weight)!;
  if (op.groups > 1 && spec.shape[1] !== 1)
    throw new UnfitInputError(
      `${op.weight}: convolutions in ${op.groups} groups of ${spec.shape[1]} channels are not supported; groups of one are`,
    );
  return convolution(op, spec, parts);
}

function layerOf(op: Exclude<Op, { op: "conv2d" }>): Layer {
  switch (op.op) {
    case "batch-norm":
      return batchNorm(op);
    case "group-norm":
      return groupNorm(op);
    case "layer-norm":
      return layerNorm(op);
    case "linear":
      return linear(op);
    case "max-pool":
      return maxPool(op);
    case "scale":
      return scale(op);
    case "class-token":
      return classToken(op);
    case "positions":
      return positions(op);
    case "attention":
      return attention(op);
    case "take-token":
      return takeToken(op);
    default:
      return { relu, relu6, gelu, average, flatten, tokens, dropout, add }[op.op];
  }
}
