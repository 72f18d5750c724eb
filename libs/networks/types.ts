/** How a tensor of a network that nobody trained yet is filled. */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  /** Uniform in [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  /** Normal around 0. */
  | { readonly kind: "normal"; readonly deviation: number };

/** One tensor of a network: name, shape and layout as PyTorch has them (convolutions [out, in / groups, height, width], linear layers [out, in]). */
export type TensorSpec = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "F32" | "I64";
  /** Weights are trained; buffers (statistics of batch normalisation and their counters) go along unchanged. */
  readonly role: "weight" | "buffer";
  readonly init: Init;
};

/**
 * The output of an operation: its place in the graph. The pictures that enter the network are `INPUT`.
 *
 * Values have one of three forms, all per example: pictures [channels, height, width], tokens [count, features], features [features].
 * Channels of a picture are its features. Engines lay them out in memory as they like.
 */
export type Value = number;

/** The pictures that enter a network, normalised. */
export const INPUT: Value = -1;

/**
 * One operation on the outputs of earlier ones. Fields that are strings name tensors of the network.
 * - `conv2d` pads with zeros on all sides, or as TensorFlow's SAME does: per axis out = ⌈in / stride⌉, padding max((out − 1) · stride + kernel − in, 0) in all, the smaller half first.
 * - `batch-norm` uses the statistics that are there, in training too: (x − mean) / √(variance + epsilon) · weight + bias, per channel.
 * - `group-norm` normalises each group of channels over all places; `layer-norm` the features of each place, token or example on their own. Variances are biased (divided by n).
 * - `linear` maps the features of each place, token or example: weight · x + bias.
 * - `gelu` is the exact one, x · Φ(x). `relu6` is min(max(x, 0), 6).
 * - `max-pool` pads with −∞.
 * - `average` is the mean over all places of a picture.
 * - `flatten` makes features of a picture: channel by channel, row by row.
 * - `tokens` makes tokens of the places of a picture, row by row.
 * - `class-token` puts a token [1, 1, features] before all others. `positions` adds [1, count, features].
 * - `attention` takes tokens of 3 · features numbers, the queries, keys and values in this order, each `heads` vectors one after another; softmax(q · k / √(features / heads)) · v, heads side by side.
 * - `take-token` is the token at `index`.
 * - `scale` multiplies each feature by a number of its own.
 * - `dropout` has the rate of the training, and passes on what it gets outside of training.
 */
export type Op =
  | {
      readonly op: "conv2d";
      readonly from: Value;
      readonly weight: string;
      readonly bias?: string;
      readonly stride: number;
      readonly padding: number | "same";
      readonly groups: number;
    }
  | {
      readonly op: "batch-norm";
      readonly from: Value;
      readonly weight: string;
      readonly bias: string;
      readonly mean: string;
      readonly variance: string;
      readonly epsilon: number;
    }
  | {
      readonly op: "group-norm";
      readonly from: Value;
      readonly weight: string;
      readonly bias: string;
      readonly groups: number;
      readonly epsilon: number;
    }
  | { readonly op: "layer-norm"; readonly from: Value; readonly weight: string; readonly bias: string; readonly epsilon: number }
  | { readonly op: "linear"; readonly from: Value; readonly weight: string; readonly bias: string }
  | { readonly op: "relu" | "relu6" | "gelu" | "average" | "flatten" | "tokens" | "dropout"; readonly from: Value }
  | { readonly op: "max-pool"; readonly from: Value; readonly kernel: number; readonly stride: number; readonly padding: number }
  | { readonly op: "add"; readonly from: Value; readonly other: Value }
  | { readonly op: "scale"; readonly from: Value; readonly weight: string }
  | { readonly op: "class-token" | "positions"; readonly from: Value; readonly weight: string }
  | { readonly op: "attention"; readonly from: Value; readonly heads: number }
  | { readonly op: "take-token"; readonly from: Value; readonly index: number };

/** What pictures enter: bytes / 255, then (x − mean) / deviation per channel. */
export type NetworkInput = {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
};

/** Whose names and numbers a network has: what loads its weights in Python. */
export type Library = "torchvision" | "timm" | "domainbed" | "ratatouille";

/** A network as plain data. The last operation's output are the logits. */
export type Network = {
  readonly name: string;
  readonly library: Library;
  readonly classes: number;
  readonly input: NetworkInput;
  readonly options: NetworkOptions;
  /** In the order of PyTorch's `state_dict()`. */
  readonly tensors: readonly TensorSpec[];
  /** The tensors of the last linear layer. */
  readonly head: readonly string[];
  readonly graph: readonly Op[];
};

/** What only some networks take. `hidden`: widths of the hidden layers of an `mlp`. */
export type NetworkOptions = { readonly hidden?: readonly number[] };

/** The tensors of a network by name, in the layouts of `TensorSpec`, row by row. */
export type NetworkWeights = ReadonlyMap<string, NetworkTensor>;
export type NetworkTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: "F32"; readonly data: Float32Array }
  | { readonly dtype: "I64"; readonly data: BigInt64Array<ArrayBuffer> }
);
