import type { Init, Op, TensorSpec, Value } from "./types.ts";

/** A layer with its tensors: called with a value, it adds its operation and gives the output. */
export type Layer = (from: Value) => Value;

export type ConvolutionOptions = {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number | "same";
  readonly groups?: number;
  readonly bias?: boolean;
  readonly init?: (shape: readonly number[]) => { readonly weight: Init; readonly bias: Init };
};

export type LinearOptions = { readonly init?: (shape: readonly number[]) => { readonly weight: Init; readonly bias: Init } };

export const zeros: Init = { kind: "constant", value: 0 };
const ones: Init = { kind: "constant", value: 1 };

/** PyTorch's own initialisation of convolutions and linear layers: weight and bias uniform in ±1/√(numbers that enter one output). */
function uniformByFanIn(shape: readonly number[]): { weight: Init; bias: Init } {
  const bound = 1 / Math.sqrt(shape.slice(1).reduce((product, size) => product * size, 1));
  return { weight: { kind: "uniform", bound }, bias: { kind: "uniform", bound } };
}

/**
 * Describes a network as PyTorch modules do: layers are made first, in the order of the `state_dict()`, and then called in the order of the
 * forward pass.
 */
export class NetworkBuilder {
  readonly tensors: TensorSpec[] = [];
  readonly graph: Op[] = [];

  conv2d(name: string, channels: number, outputs: number, options: ConvolutionOptions): Layer {
    const { kernel, stride = 1, padding = 0, groups = 1, bias = true, init = uniformByFanIn } = options;
    const shape = [outputs, channels / groups, kernel, kernel];
    const filled = init(shape);
    const weight = this.weight(`${name}.weight`, shape, filled.weight);
    const tensors = bias ? { weight, bias: this.weight(`${name}.bias`, [outputs], filled.bias) } : { weight };
    return (from) => this.op({ op: "conv2d", from, ...tensors, stride, padding, groups });
  }

  linear(name: string, inputs: number, outputs: number, { init = uniformByFanIn }: LinearOptions = {}): Layer {
    const shape = [outputs, inputs];
    const filled = init(shape);
    const weight = this.weight(`${name}.weight`, shape, filled.weight);
    const bias = this.weight(`${name}.bias`, [outputs], filled.bias);
    return (from) => this.op({ op: "linear", from, weight, bias });
  }

  batchNorm(name: string, channels: number, epsilon = 1e-5): Layer {
    const affine = this.#affine(name, channels);
    const mean = this.#buffer(`${name}.running_mean`, [channels], "F32", zeros);
    const variance = this.#buffer(`${name}.running_var`, [channels], "F32", ones);
    this.#buffer(`${name}.num_batches_tracked`, [], "I64", zeros);
    return (from) => this.op({ op: "batch-norm", from, ...affine, mean, variance, epsilon });
  }

  groupNorm(name: string, groups: number, channels: number): Layer {
    const affine = this.#affine(name, channels);
    return (from) => this.op({ op: "group-norm", from, ...affine, groups, epsilon: 1e-5 });
  }

  layerNorm(name: string, features: number, epsilon: number): Layer {
    const affine = this.#affine(name, features);
    return (from) => this.op({ op: "layer-norm", from, ...affine, epsilon });
  }

  /** A tensor of its own, for operations that have no layer. */
  weight(name: string, shape: readonly number[], init: Init): string {
    this.tensors.push({ name, shape, dtype: "F32", role: "weight", init });
    return name;
  }

  op(op: Op): Value {
    return this.graph.push(op) - 1;
  }

  #affine(name: string, features: number): { weight: string; bias: string } {
    return { weight: this.weight(`${name}.weight`, [features], ones), bias: this.weight(`${name}.bias`, [features], zeros) };
  }

  #buffer(name: string, shape: readonly number[], dtype: "F32" | "I64", init: Init): string {
    this.tensors.push({ name, shape, dtype, role: "buffer", init });
    return name;
  }
}
