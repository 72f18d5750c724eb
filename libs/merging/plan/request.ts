import type { ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import type { Dtype } from "#libs/tensors";

/** Parameters that somebody gave for a tensor: of the merge as a whole, and of each of its models. What is left out has its default. */
export type GivenParameters = {
  readonly merge?: { readonly [name: string]: number | boolean };
  readonly models?: readonly { readonly [name: string]: number | boolean }[];
};

/** A tensor of one model: `model` counts in `[...models, base]` of the request, so that the base is the last. */
export type TensorOf = { readonly model: number; readonly tensor: string };

/** One tensor of the result where it is not simply the tensor of that name in every model: layers that are stacked or moved. */
export type TensorRequest = {
  readonly name: string;
  readonly sources: readonly TensorOf[];
  readonly base?: TensorOf;
};

/** What to merge and how. Plain data, but for the function that says the parameters of a tensor. */
export type MergeRequest = {
  /** Name of a method, or one of its aliases. */
  readonly method: string;
  readonly models: readonly ModelFiles[];
  /** The weights' digest of each model. */
  readonly digests: readonly Digest[];
  readonly base?: ModelFiles;
  readonly baseDigest?: Digest;
  /** For methods that need them: a file of statistics for each model, and its digest. */
  readonly statistics?: readonly ModelFiles[];
  readonly statisticsDigests?: readonly Digest[];
  /** Given values for a tensor of the result; none by default. `models` has as many as the tensor has sources. */
  readonly parametersOf?: (tensor: string) => GivenParameters;
  /** Names of tensors that are left out of the result. */
  readonly exclude?: ReadonlySet<string>;
  /** Type of the result's floating-point tensors: F64, F32, F16 or BF16. By default each has the type that it has in the models. */
  readonly dtype?: Dtype;
  /** Name of the one file to write; otherwise model.safetensors, or shards of at most `maxShardBytes`. */
  readonly single?: string;
  readonly maxShardBytes?: number;
  /** What the files are called instead of "model", as the loader of these models looks for them. */
  readonly stem?: string;
  /** Unsigned 32 bits. Only random methods use it. */
  readonly seed?: number;
  /** The tensors of the result; by default those that the models have in common, which are then all that they have. */
  readonly tensors?: readonly TensorRequest[];
};
