import type { Dtype } from "#libs/tensors";

/** What a parameter may be set to, before anybody knows its type. */
export type Scalar = number | boolean | string;

/** One value, or a gradient: values that are spread evenly over the layers. */
export type ScalarOrGradient = Scalar | readonly Scalar[];

/** A value for the tensors whose name holds `filter`; without a filter, or with "*", for all. */
export type Condition = { readonly filter?: string; readonly value: ScalarOrGradient };

/** How a parameter is set in one place of the configuration: the first condition that fits counts. */
export type Setting = { readonly line: number; readonly column: number; readonly conditions: readonly Condition[] };

/** Parameters by name, as one `parameters` has them. */
export type Settings = ReadonlyMap<string, Setting>;

/** A model as a configuration names it: "model", "model+adapter". */
export type Reference = {
  /** As it is written; equal texts are one model. */
  readonly text: string;
  readonly model: string;
  readonly adapter?: string;
  readonly line: number;
  readonly column: number;
};

/** One of several models of a merge or of a slice. Layers from `layers[0]`, before `layers[1]`. */
export type Source = { readonly reference: Reference; readonly parameters: Settings; readonly layers?: readonly [number, number] };

/** Some layers of the result. Without `layers` in its sources, all tensors of the models. */
export type Slice = {
  readonly sources: readonly Source[];
  readonly base?: Reference;
  readonly parameters: Settings;
  readonly line: number;
  readonly column: number;
};

/** Where the tokenizer is from. */
export type TokenizerSource = { readonly from: "base" | "union" | Reference; readonly line: number; readonly column: number };

/** A mergekit configuration, read. `models` is one slice without layer ranges. */
export type MergekitConfig = {
  readonly path: string;
  /** The file as it was, or the part of it that this is, for mergekit_config.yml. */
  readonly text: string;
  /** Where it begins. */
  readonly line: number;
  readonly column: number;
  /** What others of the same file call its result. Only where there are several. */
  readonly name?: { readonly text: string; readonly line: number; readonly column: number };
  readonly method: { readonly name: string; readonly line: number; readonly column: number };
  readonly base?: Reference;
  readonly kind: "models" | "slices";
  readonly slices: readonly Slice[];
  /** Of the one module, where the configuration has modules. */
  readonly moduleParameters: Settings;
  readonly parameters: Settings;
  /** Type of the result: out_dtype, or dtype. */
  readonly dtype?: Dtype;
  /** random_seed, which mergekit has as an option only. */
  readonly seed?: number;
  readonly tokenizer?: TokenizerSource;
  /** `chat_template: auto` is set at this place. */
  readonly chatTemplate?: { readonly line: number; readonly column: number };
  /** What is accepted and has no effect, one sentence each. */
  readonly notes: readonly string[];
};
