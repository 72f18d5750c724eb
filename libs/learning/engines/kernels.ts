import type { EngineName } from "#libs/engines";

/** Numbers of 32 bits in the memory of an engine, row by row. Pictures are [count, height, width, channels]. */
export type Tensor = { readonly shape: readonly number[] };

/** How a window goes over pictures: the padding is in pixels, on each side. */
export type Window = {
  readonly stride: number;
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
};

/** One trained tensor, with what Adam remembers of it. */
export type Variable = {
  readonly shape: readonly number[];
  /** The numbers as a tensor; it has to be gone before the next `adam`. */
  read(): Tensor;
  /** A copy of the numbers. */
  parameters(): Float32Array;
  /** Copies of the numbers and of Adam's moments. */
  state(): VariableState;
  /** One step of Adam, as of torch.optim.Adam: the decay is added to the gradient. */
  adam(gradient: Tensor, step: AdamStep): void;
  dispose(): void;
};

export type VariableState = {
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
};

/** @param step from 1 */
export type AdamStep = { readonly step: number; readonly learningRate: number; readonly weightDecay: number };

/**
 * What an engine computes. Every tensor that an operation gives belongs to the innermost scope, and goes with it unless it is kept.
 * Elementwise operations repeat axes of length 1, as NumPy does.
 */
export type Kernels = {
  /** Tensors that exist now, variables' own not counted. */
  readonly count: number;
  /** Runs something, and lets go of all tensors that it made but for those that `kept` finds in its result. */
  scope<T>(run: () => T, kept: (result: T) => readonly Tensor[]): T;
  /** Lets go of a tensor before its scope ends. */
  dispose(tensor: Tensor): void;
  /** The numbers must not change while the tensor lives. */
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  /** Bytes as numbers from 0 to 255. */
  bytes(data: Uint8Array, shape: readonly number[]): Tensor;
  /** A copy of the numbers. */
  numbers(tensor: Tensor): Float32Array;
  variable(shape: readonly number[], state: VariableState): Variable;

  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, order: readonly number[]): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  concat(xs: readonly Tensor[], axis: number): Tensor;
  /** The sum over axes, which are left with length 1. */
  sum(x: Tensor, axes: readonly number[]): Tensor;

  add(a: Tensor, b: Tensor): Tensor;
  subtract(a: Tensor, b: Tensor): Tensor;
  multiply(a: Tensor, b: Tensor): Tensor;
  /** Each number times `factor`. */
  times(x: Tensor, factor: number): Tensor;
  /** Each number plus `summand`. */
  plus(x: Tensor, summand: number): Tensor;
  reciprocalRoot(x: Tensor): Tensor;
  exponential(x: Tensor): Tensor;
  errorFunction(x: Tensor): Tensor;
  softmax(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  relu6(x: Tensor): Tensor;
  /** The gradient where the output lies inside (0, ∞), or (0, 6); else 0. */
  reluGradient(gradient: Tensor, output: Tensor): Tensor;
  relu6Gradient(gradient: Tensor, output: Tensor): Tensor;

  /** (x - mean) / √(variance + epsilon) · weight + bias along the last axis of pictures. */
  normalise(x: Tensor, statistics: Statistics): Tensor;

  /** Products of the last two axes, over all others. */
  product(a: Tensor, b: Tensor, transposed?: { readonly a?: boolean; readonly b?: boolean }): Tensor;

  /** Filters are [height, width, inputs, outputs]; depthwise ones [height, width, inputs, outputs of each]. */
  convolve(x: Tensor, filter: Tensor, window: Window): Tensor;
  convolveInputGradient(gradient: Tensor, filter: Tensor, shape: readonly number[], window: Window): Tensor;
  convolveFilterGradient(x: Tensor, gradient: Tensor, shape: readonly number[], window: Window): Tensor;
  depthwise(x: Tensor, filter: Tensor, window: Window): Tensor;
  depthwiseInputGradient(gradient: Tensor, filter: Tensor, shape: readonly number[], window: Window): Tensor;
  depthwiseFilterGradient(x: Tensor, gradient: Tensor, shape: readonly number[], window: Window): Tensor;
  /** The largest number of each window; what is padded is smaller than all. */
  maxPool(x: Tensor, size: number, window: Window): Tensor;
  maxPoolGradient(x: Tensor, output: Tensor, gradient: Tensor, size: number, window: Window): Tensor;
};

/** What batch normalisation needs of each channel. */
export type Statistics = {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly epsilon: number;
};

/** Something that trains networks. */
export type Engine = {
  readonly name: EngineName;
  /** Names and versions, for the records of attempts. */
  readonly version: string;
  /** What computes: "cpu", or "gpu" for an accelerator. */
  readonly device: "cpu" | "gpu";
  readonly kernels: Kernels;
};

/** Convolutions and pooling: what each engine computes in a way of its own. */
export type Convolutions = Pick<
  Kernels,
  | "convolve"
  | "convolveInputGradient"
  | "convolveFilterGradient"
  | "depthwise"
  | "depthwiseInputGradient"
  | "depthwiseFilterGradient"
  | "maxPool"
  | "maxPoolGradient"
>;
