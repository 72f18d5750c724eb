import type { InputFile, OutputFile } from "#libs/merging";
import type { Reading } from "#libs/model-folders";
import type { Digest } from "#libs/recipes";

/** What a merge will take. */
export type MergeEstimate = {
  /** Of the inputs, every pass over them counted. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly memoryBytes: number;
  readonly seconds: number;
  /** How tensors are made: how many, and in how many passes over the inputs; fewer where the weights do not need all. */
  readonly steps: readonly {
    readonly method: string;
    readonly tensors: number;
    readonly bytes: number;
    readonly passes: number;
    readonly atMost: boolean;
  }[];
};

/** How a merge is run. */
export type MergeRunOptions = {
  readonly directory: string;
  readonly threads: number;
  readonly fsync: boolean;
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (reading: Reading) => void;
  /** Called when the weights are written and before they have their names; only by merges whose digests may come later: `prepareMerge`. */
  readonly beforePublish?: () => Promise<void>;
};

/** What came of a merge. */
export type MergeOutcome = {
  readonly files: readonly { readonly name: string; readonly size: number; readonly digest: Digest }[];
  readonly readBytes: number;
  /** It went on with what an earlier process had done. */
  readonly resumed: boolean;
  /** Numbers that were computed in whole numbers, as doubles could not decide how to round. */
  readonly redone: number;
};

/** A merge whose plan is ready, so that it can be run: what all ways of merging have in common. */
export type PreparedMerge = {
  /** sha-256 of everything that decides the bytes. */
  readonly key: string;
  readonly inputs: readonly InputFile[];
  readonly outputs: readonly OutputFile[];
  /** Names of other files that it writes. */
  readonly beside?: readonly string[];
  /** Text of the index, where there are several outputs. */
  readonly index?: string | undefined;
  /** Text of adapter_config.json, which the merge writes, where the result is an adapter. */
  readonly config?: string | undefined;
  /** False where the head of the result is no longer its embedding: its config.json has to say so. */
  readonly tied?: false | undefined;
  /** What the random numbers are a function of, where there are any. */
  readonly seed?: number | undefined;
  readonly arithmetic: string;
  /** The type of most numbers that are written. */
  readonly dtype: string;
  /** What was interrupted goes on where it was. */
  readonly resumes: boolean;
  needs(threads: number): MergeEstimate;
  run(options: MergeRunOptions): Promise<MergeOutcome>;
};
