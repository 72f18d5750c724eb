import type { Dtype } from "#libs/tensors";
import type { InputFile, OutputFile } from "../plan/types.ts";

/** Bytes of a tensor in an input of the plan. */
export type AdapterSource = { readonly file: number; readonly offset: number; readonly dtype: Dtype };

/** A matrix in an input of the plan, rows by columns, C order. */
export type AdapterFactor = AdapterSource & { readonly rows: number; readonly columns: number };

/** One product that is added: coefficient · B · A, or its transpose. */
export type AdapterTerm = {
  readonly a: AdapterFactor;
  readonly b: AdapterFactor;
  readonly coefficient: number;
  readonly transposed: boolean;
};

/** A whole tensor that is added. */
export type AdapterWhole = { readonly source: AdapterSource; readonly coefficient: number };

/** What messages call the numbers that begin at a byte of an input. Decides no bytes. */
export type AdapterOrigin = AdapterSource & { readonly model: string; readonly tensor: string; readonly shape: readonly number[] };

/**
 * How one tensor of the result is made.
 * copy: the bytes of a source.
 * products: Σ coefficient · base + Σ coefficient · B · A.
 * sum: Σ coefficient · x, of whole tensors; plus the base where there is one.
 * rows: the rows of the sources one below the other (of every A).
 * columns: the columns of the sources side by side, each times its coefficient (of every B).
 */
export type AdapterRule =
  | { readonly kind: "copy"; readonly source: AdapterSource }
  | { readonly kind: "products"; readonly base: readonly AdapterWhole[]; readonly terms: readonly AdapterTerm[] }
  | { readonly kind: "sum"; readonly terms: readonly AdapterWhole[] }
  | { readonly kind: "rows"; readonly sources: readonly AdapterFactor[] }
  | { readonly kind: "columns"; readonly terms: readonly { readonly source: AdapterFactor; readonly coefficient: number }[] };

/** One tensor of the result, seen as rows by columns. */
export type AdapterTensor = {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly rule: AdapterRule;
  /** Index into the plan's outputs, and the byte there. */
  readonly file: number;
  readonly offset: number;
};

/** An average of adapters as plain data. Two plans with equal `key` write the same bytes. */
export type AdapterPlan = {
  readonly key: string;
  readonly inputs: readonly InputFile[];
  readonly outputs: readonly OutputFile[];
  readonly tensors: readonly AdapterTensor[];
  readonly origins: readonly AdapterOrigin[];
  /** False where the head of the result is no longer its embedding, as that of the base is: its configuration has to say so. */
  readonly tied?: false;
  /** Text of model.safetensors.index.json, where there are several outputs. */
  readonly index?: string;
  /** Text of adapter_config.json, where the result is an adapter. */
  readonly config?: string;
};
