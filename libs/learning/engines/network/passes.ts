import type { Steps } from "#libs/concurrency";
import { INPUT, type Value } from "#libs/networks";
import type { Kernels, Tensor } from "../kernels.ts";
import type { Model } from "./model.ts";
import type { Node, Plan } from "./plan.ts";

type OpenPass = ReturnType<Model["openPass"]>;

/** The logits of pictures, [count, classes]. An operation is a step. What enters is let go of. */
export function* forwardPass(pass: OpenPass, plan: Plan, input: Tensor): Steps<Float32Array> {
  const { kernels } = pass;
  const values = new Map<Value, Tensor>([[INPUT, input]]);
  const left = new Map(plan.uses);
  try {
    for (const { layer, inputs, output } of plan.nodes) {
      const entering = inputs.map((value) => values.get(value)!);
      values.set(
        output,
        kernels.scope(
          () => layer.forward(pass, entering).output,
          (tensor) => [tensor],
        ),
      );
      for (const value of inputs) {
        left.set(value, left.get(value)! - 1);
        if (left.get(value) !== 0) continue;
        kernels.dispose(values.get(value)!);
        values.delete(value);
      }
      yield;
    }
    return kernels.numbers(values.get(plan.logits)!);
  } finally {
    for (const tensor of values.values()) kernels.dispose(tensor);
  }
}

/** From logits to their gradient, and whatever else the caller wants of them. */
export type LossOf = (logits: Float32Array) => Float32Array;

/**
 * Gradients of all that a pass trains, by name; they belong to the caller. An operation, forward or backward, is a step. What enters is let
 * go of, and so is everything else as soon as it is not needed any more.
 */
export function* gradientPass(pass: OpenPass, plan: Plan, input: Tensor, lossOf: LossOf): Steps<Map<string, Tensor>> {
  const { kernels } = pass;
  const values = new Map<Value, Tensor>([[INPUT, input]]);
  const saved = new Map<Node, readonly Tensor[]>();
  const gradients = new Map<Value, Tensor>();
  const weights = new Map<string, Tensor>();
  const reached = trainedValues(pass, plan);
  let done = false;
  const replace = <Key>(known: Map<Key, Tensor>, more: ReadonlyMap<Key, Tensor>) => {
    for (const [key, tensor] of more) {
      const before = known.get(key);
      known.set(key, tensor);
      if (before) kernels.dispose(before);
    }
  };
  const letGo = (tensors: Iterable<Tensor>) => {
    for (const tensor of tensors) if (!pass.owns(tensor)) kernels.dispose(tensor);
  };
  try {
    for (const node of plan.nodes) {
      const entering = node.inputs.map((value) => values.get(value)!);
      const result = kernels.scope(
        () => node.layer.forward(pass, entering),
        ({ output, saved: kept }) => [output, ...kept],
      );
      values.set(node.output, result.output);
      saved.set(node, result.saved);
      yield;
    }
    const logits = values.get(plan.logits)!;
    gradients.set(plan.logits, kernels.tensor(lossOf(kernels.numbers(logits)), logits.shape));
    for (const node of plan.nodes.toReversed()) {
      const gradient = gradients.get(node.output);
      const output = values.get(node.output)!;
      const kept = saved.get(node)!;
      if (gradient && reached.has(node.output)) {
        const entering = node.inputs.map((value) => values.get(value)!);
        const wanted = node.inputs.map((value) => reached.has(value));
        const result = kernels.scope(
          () => {
            const own = node.layer.backward(pass, { gradient, inputs: entering, output, saved: kept, wanted });
            const reaching = node.inputs.map((value, i) => [value, own.inputs[i]] as const);
            const trained = [...own.weights].filter(([name]) => pass.trains(name));
            return { inputs: summed(kernels, gradients, reaching), weights: summed(kernels, weights, trained) };
          },
          (all) => [...all.inputs.values(), ...all.weights.values()],
        );
        replace(gradients, result.inputs);
        replace(weights, result.weights);
      }
      letGo([output, ...kept, ...(gradient ? [gradient] : [])]);
      values.delete(node.output);
      saved.delete(node);
      gradients.delete(node.output);
      yield;
    }
    done = true;
    return weights;
  } finally {
    letGo([...values.values(), ...[...saved.values()].flat(), ...gradients.values(), ...(done ? [] : weights.values())]);
  }
}

/** What several layers use, or one uses twice, gets the sum of their gradients. */
function summed<Key>(
  kernels: Kernels,
  known: ReadonlyMap<Key, Tensor>,
  more: Iterable<readonly [Key, Tensor | undefined]>,
): Map<Key, Tensor> {
  const sums = new Map<Key, Tensor>();
  for (const [key, tensor] of more) {
    if (!tensor) continue;
    const before = sums.get(key) ?? known.get(key);
    sums.set(key, before ? kernels.add(before, tensor) : tensor);
  }
  return sums;
}

/** The values that depend on something that is trained: only they need gradients. */
function trainedValues(pass: OpenPass, { nodes }: Plan): Set<Value> {
  const reached = new Set<Value>();
  for (const { layer, inputs, output } of nodes)
    if (layer.weights.some((name) => pass.trains(name)) || inputs.some((value) => reached.has(value))) reached.add(output);
  return reached;
}
