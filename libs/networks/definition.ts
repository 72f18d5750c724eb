import type { NetworkBuilder } from "./build.ts";
import type { PythonModel } from "./python-model.ts";
import type { Library, Network, NetworkInput, NetworkOptions } from "./types.ts";

/** How others name the tensors of a network: their name to the network's, or to itself where it is none of theirs. */
export type Spelling = { readonly by: string; readonly rename: (name: string) => string };

/** What a network is made for. */
export type NetworkRequest = { readonly classes: number; readonly input: NetworkInput; readonly options: NetworkOptions };

/** One network that can be had by name. */
export type NetworkDefinition = {
  readonly name: string;
  readonly library: Library;
  /** What enters unless other channels or another size are asked for. Other counts of channels repeat `mean` and `deviation`. */
  readonly input: {
    readonly channels: number;
    readonly size: number;
    readonly mean: readonly number[];
    readonly deviation: readonly number[];
  };
  /** Sizes of pictures are multiples of this. */
  readonly patch?: number;
  readonly options?: NetworkOptions;
  /** The module whose tensors are the head: its weight and its bias. */
  readonly head: string;
  /** How other libraries name these tensors. */
  readonly spellings?: readonly Spelling[];
  /** Adds layers and operations; the last operation gives the logits. */
  readonly build: (net: NetworkBuilder, request: NetworkRequest) => void;
  /** Python that makes it. */
  readonly python: (network: Network) => PythonModel;
};

/** Mean and deviation of ImageNet's pictures, as torchvision and most of timm normalise them. */
export const imagenet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** Pictures in [-1, 1], as networks from TensorFlow and JAX have them. */
export const symmetric = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] } as const;
