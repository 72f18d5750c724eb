import type { Kernels, Tensor } from "../kernels.ts";

/** What a layer computes with: an engine, and the tensors of the network by PyTorch's names, in the layouts that engines use. */
export type Pass = {
  readonly kernels: Kernels;
  /** A weight or buffer; it lives as long as the pass. */
  tensor(name: string): Tensor;
  /** Whether a weight is trained. */
  trains(name: string): boolean;
  /** The mask of dropout for an activation: 0, or 1 / (1 - rate). Undefined outside of training. */
  readonly dropout?: ((shape: readonly number[]) => Tensor) | undefined;
};

/** What the forward pass leaves for the backward pass. */
export type Forward = { readonly output: Tensor; readonly saved: readonly Tensor[] };

/** Gradients for what entered, in its order, and for weights by name. */
export type Backward = { readonly inputs: readonly (Tensor | undefined)[]; readonly weights: ReadonlyMap<string, Tensor> };

export type Gradients = {
  /** Of the output. */
  readonly gradient: Tensor;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly saved: readonly Tensor[];
  /** Which inputs need a gradient. */
  readonly wanted: readonly boolean[];
};

/** One operation, or several that are computed as one. */
export type Layer = {
  /** The weights that it trains. */
  readonly weights: readonly string[];
  forward(pass: Pass, inputs: readonly Tensor[]): Forward;
  backward(pass: Pass, gradients: Gradients): Backward;
};
