import type { Network, NetworkTensor, NetworkWeights, TensorSpec } from "#libs/networks";
import { UnfitInputError } from "../../errors.ts";
import type { Kernels, Tensor, Variable, VariableState } from "../kernels.ts";
import type { Pass } from "./layer.ts";

/** A network in the memory of an engine. */
export type Model = Disposable & {
  readonly kernels: Kernels;
  /** What is trained, by PyTorch's names. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Tensors of the model for one pass, outside of any scope; `close` lets go of them. */
  openPass(dropout?: Pass["dropout"]): Pass & { close(): void; owns(tensor: Tensor): boolean };
  /** All tensors of the network, in PyTorch's layouts; `trained` stands for the numbers of what is trained, where it is given. */
  weights(trained?: ReadonlyMap<string, Float32Array>): NetworkWeights;
};

export type ModelOptions = {
  /** Which weights are trained. */
  readonly trains: (name: string) => boolean;
  /** Where an earlier training was: numbers in the layouts of engines. */
  readonly states?: ReadonlyMap<string, VariableState> | undefined;
};

/**
 * Puts a network into an engine.
 * @throws UnfitInputError naming a tensor that is missing, of another shape, or with a number that is not finite.
 */
export function createModel(kernels: Kernels, network: Network, weights: NetworkWeights, { trains, states }: ModelOptions): Model {
  for (const spec of network.tensors) check(spec, weights.get(spec.name));
  const layouts = layoutsOf(network);
  const variables = new Map<string, Variable>();
  const constants = new Map<string, Tensor>();
  for (const spec of network.tensors) {
    const { data } = weights.get(spec.name)!;
    if (!(data instanceof Float32Array)) continue;
    const layout = layouts.get(spec.name);
    const trained = spec.role === "weight" && trains(spec.name);
    const numbers = layout ? permuted(kernels, data, layout.torch, layout.order) : data;
    const shape = layout ? layout.engine : spec.shape;
    if (trained) {
      const zeros = () => new Float32Array(numbers.length);
      const state = states?.get(spec.name) ?? { parameters: numbers, firstMoment: zeros(), secondMoment: zeros() };
      variables.set(spec.name, kernels.variable(shape, state));
    } else constants.set(spec.name, kernels.tensor(numbers.slice(), shape));
  }
  return {
    kernels,
    variables,
    openPass(dropout) {
      const read = new Map([...variables].map(([name, variable]) => [name, variable.read()]));
      const owned = new Set<Tensor>([...constants.values(), ...read.values()]);
      return {
        kernels,
        dropout,
        trains: (name) => variables.has(name),
        tensor: (name) => (read.get(name) ?? constants.get(name))!,
        owns: (tensor) => owned.has(tensor),
        close() {
          for (const tensor of read.values()) kernels.dispose(tensor);
        },
      };
    },
    weights(trained) {
      const entries = network.tensors.map((spec): [string, NetworkTensor] => {
        const given = weights.get(spec.name)!;
        const variable = variables.get(spec.name);
        if (!variable) return [spec.name, given];
        const numbers = trained?.get(spec.name) ?? variable.parameters();
        const layout = layouts.get(spec.name);
        const data = layout ? permuted(kernels, numbers, layout.engine, layout.back) : numbers;
        return [spec.name, { shape: spec.shape, dtype: "F32", data }];
      });
      return new Map(entries);
    },
    [Symbol.dispose]() {
      for (const variable of variables.values()) variable.dispose();
      for (const tensor of constants.values()) kernels.dispose(tensor);
      variables.clear();
      constants.clear();
    },
  };
}

function check({ name, shape, dtype }: TensorSpec, found: NetworkTensor | undefined): void {
  if (!found) throw new UnfitInputError(`The weights have no tensor ${name}`);
  if (found.shape.join() !== shape.join()) throw new UnfitInputError(`${name}: expected shape [${shape}], got [${found.shape}]`);
  if (found.dtype !== dtype) throw new UnfitInputError(`${name}: expected ${dtype}, got ${found.dtype}`);
  if (found.dtype === "F32" && !found.data.every(Number.isFinite)) throw new UnfitInputError(`${name} has a number that is not finite`);
}

/** How a filter lies in PyTorch, and in engines: [outputs, inputs, height, width] as [height, width, inputs, outputs]. */
type Layout = { torch: readonly number[]; order: readonly number[]; engine: readonly number[]; back: readonly number[] };

function layoutsOf({ graph, tensors }: Network): Map<string, Layout> {
  const layouts = new Map<string, Layout>();
  for (const op of graph) {
    if (op.op !== "conv2d") continue;
    const [outputs = 0, inputs = 0, height = 0, width = 0] = tensors.find(({ name }) => name === op.weight)!.shape;
    // Of depthwise filters PyTorch's outputs are [inputs, outputs of each].
    const depthwise = op.groups > 1;
    const torch = depthwise ? [op.groups, outputs / op.groups, height, width] : [outputs, inputs, height, width];
    const order = depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
    const back = depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1];
    layouts.set(op.weight, { torch, order, engine: order.map((axis) => torch[axis]!), back });
  }
  return layouts;
}

function permuted(kernels: Kernels, data: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  return kernels.scope(
    () => kernels.numbers(kernels.transpose(kernels.tensor(data, shape), order)),
    () => [],
  );
}
