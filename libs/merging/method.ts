import type { Kernels } from "#libs/kernels";
import type { ParameterValues } from "./parameters.ts";

/** Numbers of one tensor in memory: float32, or float64 where an input is F64. Values of F16 and BF16 are widened without loss. */
export type Values = Float32Array | Float64Array;

/** Where a method is from. */
export type Paper = { readonly authors: string; readonly year: number; readonly title: string; readonly link: string };

/** One parameter of a method. `scope` says whether each model has its own value, or the merge as a whole. */
export type Parameter = {
  readonly name: string;
  readonly scope: "model" | "merge";
  readonly type: "number" | "integer" | "boolean";
  /** Without one, the parameter has to be given. */
  readonly default?: number | boolean;
  readonly min?: number;
  readonly max?: number;
  /** True where `min` and `max` themselves are not allowed. */
  readonly exclusive?: boolean;
  readonly description: string;
};

/** One way to make one model of several: data, and pure functions on ranges of tensors. */
export type Method = {
  /** mergekit's name where it has the method, with underscores; for example "task_arithmetic". */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly summary: string;
  /** The formula, in the symbols of the paper. */
  readonly formula: string;
  readonly paper?: Paper;
  readonly parameters: readonly Parameter[];
  readonly base: "required" | "optional" | "none";
  readonly models: { readonly min: number; readonly max: number };
  /** Each model comes with statistics of the same tensors: its diagonal Fisher information, or the Gram matrices of its layers' inputs. */
  readonly statistics?: "fisher" | "gram";
  /** True where the result depends on the seed. */
  readonly random?: boolean;
  /** How one tensor is made. Pure: threads call it again and get the same. Throws RangeError for parameters that do not fit together. */
  program(task: TensorTask): Program;
};

/** One tensor to be made. */
export type TensorTask = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly models: number;
  readonly hasBase: boolean;
  /** Whether there are statistics for this tensor: Gram matrices are there for linear layers only. */
  readonly hasStatistics?: boolean;
  /** Values for this tensor: every parameter of the method is there. */
  readonly parameters: { readonly merge: ParameterValues; readonly models: readonly ParameterValues[] };
  /** Unsigned 32 bits, and a digest of each model: what random numbers are a function of, with the tensor's name and the element's index. */
  readonly seed: number;
  readonly digests: readonly string[];
};

/**
 * How one tensor is made.
 * mean: the exact Σ weights[k] · x_k / divisor, rounded once. `divisor` is a number of at least 1, or the exact sum of the weights.
 * combine: Σ coefficients[k] · x_k in f64, models first, then the base; rounded once.
 * gram: as combine, with coefficients that depend on the dot products of the models (or of their differences to the base), over the
 *   tensor, over each row (the last dimension), or over the whole model.
 * ranges: reductions over the tensor, one after another, then one pass that makes the numbers.
 * whole: one function on whole tensors.
 */
export type Program =
  | { readonly kind: "mean"; readonly weights: readonly number[]; readonly divisor: number | "sum" }
  | { readonly kind: "combine"; readonly coefficients: readonly number[] }
  | {
      readonly kind: "gram";
      readonly of: "models" | "differences";
      readonly scope: "tensor" | "row" | "model";
      /** From the dot products: gram[i * models + j]. */
      readonly coefficients: (gram: Float64Array) => readonly number[];
    }
  | {
      readonly kind: "ranges";
      /** What `Range.models` holds: the models, or model minus base rounded to the type of the values (as PyTorch has it). */
      readonly of: "models" | "differences";
      readonly reductions: readonly Reduction[];
      /** Writes `range.count` numbers. The engine rounds them once to the type of the output. */
      readonly apply: (range: Range, results: readonly unknown[], out: Float64Array) => void;
    }
  | {
      readonly kind: "whole";
      /**
       * Elements of a piece, where pieces do not know of each other: `apply` may then get any number of consecutive ones instead of the
       * whole tensor, models, base and `out` alike. Statistics are always whole.
       */
      readonly split?: number;
      /** `first` is the index of the first element in the tensor: 0 for the whole of it. */
      readonly apply: (
        tensors: { readonly models: readonly Values[]; readonly base?: Values; readonly statistics?: readonly Values[] },
        out: Float64Array,
        first: number,
      ) => void;
    };

/** Consecutive elements of one tensor. */
export type Range = {
  /** Index of the first element in the tensor (C order). Always a multiple of BLOCK. */
  readonly first: number;
  readonly count: number;
  readonly models: readonly Values[];
  readonly base?: Values;
  readonly statistics?: readonly Values[];
  /** Where the numbers lie in the memory of these, a method may let them do its work. The same bits come out. */
  readonly kernels?: Kernels;
};

/** Elements of a block: what reductions are cut into, so that no result depends on threads or windows. */
export const BLOCK = 1 << 16;

/**
 * A fold over a tensor, or over the whole model. Partial results are plain data that can be sent to another thread.
 * order "any": counts and extremes, where order cannot change the result. `add` works in place.
 * order "blocks": sums of floating-point numbers. A range is exactly one block (the last may be shorter); `merge` is called in the order
 * of the blocks, for scope "model" also of the tensors.
 * `finish` makes what later reductions and `apply` see in `results`, in the order of the reductions.
 */
export type Reduction =
  | {
      readonly order: "any";
      readonly scope: "tensor" | "model";
      readonly start: () => unknown;
      readonly add: (state: never, range: Range, results: readonly unknown[]) => void;
      readonly merge: (a: never, b: never) => unknown;
      readonly finish: (total: never) => unknown;
      /** Where it answers false, nothing is read: the result is that of `start` alone. For scope "tensor". */
      readonly needed?: (results: readonly unknown[]) => boolean;
    }
  | {
      readonly order: "blocks";
      readonly scope: "tensor" | "model";
      readonly block: (range: Range, results: readonly unknown[]) => unknown;
      readonly merge: (a: never, b: never) => unknown;
      readonly finish: (total: never) => unknown;
    };
