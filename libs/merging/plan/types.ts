import type { Dtype } from "#libs/tensors";
import type { ParameterValues } from "../parameters.ts";

/** A file that a merge reads: safetensors, open for positional reads. `identity` tells whether it is still the one that was planned with. */
export type InputFile = {
  readonly path: string;
  readonly size: number;
  readonly identity: { readonly device: bigint; readonly inode: bigint; readonly mtimeNs: bigint };
};

/** A file that a merge writes: its header, ready, and its size. `name` is relative to the output's folder. */
export type OutputFile = { readonly name: string; readonly size: number; readonly header: Uint8Array };

/** Where the bytes of a tensor are: `file` is an index into the plan's inputs, `offset` counts from the beginning of the file. */
export type Source = { readonly file: number; readonly offset: number; readonly dtype: Dtype };

/** One tensor that is made, and of what. All sources have the shape of the tensor. */
export type PlannedTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Name of a method; or `agree`: all sources have the same bytes; or `maximum`: the largest of whole numbers that only count. */
  readonly method: string;
  readonly parameters: { readonly merge: ParameterValues; readonly models: readonly ParameterValues[] };
  readonly models: readonly Source[];
  /** Which of the plan's models the sources are, as indexes into `digests`; left out where they are all of them, in order. */
  readonly of?: readonly number[];
  readonly base?: Source;
  readonly statistics?: readonly Source[];
  readonly dtype: Dtype;
  /** Index into the plan's outputs, and the byte there. */
  readonly file: number;
  readonly offset: number;
};

/** What messages call what is merged, by index. Names decide no bytes. */
export type SourceNames = { readonly models: readonly string[]; readonly base?: string; readonly statistics?: readonly string[] };

/** A whole merge as plain data: threads get it by structured clone, and two plans with equal `key` write the same bytes. */
export type MergePlan = {
  /** sha-256 of everything that decides the bytes: the inputs' digests, methods, parameters, seed, types, layout. */
  readonly key: string;
  readonly seed: number;
  /** A digest for each model: with the seed, what random numbers are a function of. */
  readonly digests: readonly string[];
  readonly inputs: readonly InputFile[];
  readonly outputs: readonly OutputFile[];
  /** What messages call the models, the base and the files of statistics. */
  readonly names: SourceNames;
  /** In the order of the output's bytes. */
  readonly tensors: readonly PlannedTensor[];
  /** Text of model.safetensors.index.json, where there are several outputs. */
  readonly index?: string;
};
