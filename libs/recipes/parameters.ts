import * as v from "valibot";
import { type Digest, isDigest } from "./canonical.ts";

/** What a recipe does. */
export type RecipeKind = "import" | "dataset" | "pretrain" | "probe" | "fine-tune" | "average" | "evaluate";

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4294967295));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const nonNegative = v.pipe(v.number(), v.finite(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.ltValue(1));

/** Names of the styles in which symbols are drawn. */
export const styleNames = ["plain", "blur", "low", "noise", "occlusion", "gradient", "thick", "outline", "thin"] as const;
export type StyleName = (typeof styleNames)[number];

const importSchema = v.strictObject({
  files: v.pipe(v.array(v.strictObject({ path: v.string(), digest: v.string(), bytes: natural })), v.minLength(1)),
  licence: v.string(),
  source: v.string(),
});
/** Files from outside. `licence` is an SPDX expression, `source` says where they come from. */
export type ImportParameters = v.InferOutput<typeof importSchema>;

const glyphsSchema = v.strictObject({
  generator: v.literal("glyphs/1"),
  classes: count,
  images: count,
  styles: v.pipe(v.array(v.picklist(styleNames)), v.minLength(1)),
  rotation: nonNegative,
  alphabetSeed: seed,
});
/** Drawn symbols. `rotation` in radians; the recipe's seed draws the images, `alphabetSeed` the symbols. */
export type GlyphsParameters = v.InferOutput<typeof glyphsSchema>;

const rotatedDigitsSchema = v.strictObject({
  generator: v.literal("rotated-digits/1"),
  domain: natural,
  domains: count,
  degrees: v.pipe(v.number(), v.finite()),
});
/** Every `domains`-th digit of a seeded permutation, from `domain` on, rotated by `degrees`. `inputs.source` has the idx files. */
export type RotatedDigitsParameters = v.InferOutput<typeof rotatedDigitsSchema>;

const trainingSchema = v.strictObject({
  architecture: v.literal("mlp"),
  hidden: v.pipe(v.array(count), v.minLength(1)),
  classes: count,
  steps: count,
  batch: count,
  learningRate: positive,
  weightDecay: nonNegative,
  dropout: share,
  train: v.picklist(["all", "head"]),
  keep: v.picklist(["last", "best"]),
  validationFraction: share,
  validateEvery: natural,
  headInit: v.optional(v.strictObject({ kind: v.picklist(["zeros", "he"]), scale: positive, seed })),
  initSeed: v.optional(seed),
});
/**
 * One training. `batch` counts examples of each data set and step. The first floor(validationFraction x rows) rows of each data set
 * are validation data and never trained on; `validateEvery` is in steps, 0 for never. `keep: "best"` keeps the weights with the best mean
 * validation accuracy over the data sets, the earliest on ties. `initSeed` initialises the whole network (pretrain), `headInit` the head.
 */
export type TrainingParameters = v.InferOutput<typeof trainingSchema>;

const digest = v.custom<Digest>(isDigest, "Expected a digest: sha256: and 64 hexadecimal digits");

const setting = v.union([v.pipe(v.number(), v.finite()), v.boolean()]);

const averageSchema = v.strictObject({
  method: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]*$/, 'Expected the name of a method, such as "uniform" or "ties"')),
  weights: v.optional(v.array(v.pipe(v.number(), v.finite()))),
  parameters: v.optional(v.record(v.string(), v.union([setting, v.pipe(v.array(setting), v.minLength(1))]))),
  exclude: v.optional(v.array(v.string())),
  contributions: v.optional(v.pipe(v.array(digest), v.minLength(1))),
  dtype: v.optional(v.picklist(["F64", "F32", "F16", "BF16"])),
});
/**
 * An average of models. `method` is `uniform` (the mean), `weighted` (`weights` are used as they are), `linear` (divided by their sum), or
 * any other that `ratatouille methods` lists. `weights` are one for each model; `parameters` are those of the method: one value, or a
 * list with one for each model. `exclude` names tensors that are left out. `dtype` is the type of the result's numbers, by default that of
 * the models. `contributions` are the sha-256 of files that a session took and that are no models of the catalog; they come after the models.
 */
export type AverageParameters = v.InferOutput<typeof averageSchema>;

/** What an evaluation measures. */
const measures = ["accuracy", "ensemble", "barriers", "interpolation", "diversity", "greedy"] as const;
const evaluateSchema = v.strictObject({
  measure: v.picklist(measures),
  validationFraction: share,
  scores: v.optional(v.array(v.number())),
  pairs: v.optional(v.array(v.tuple([natural, natural]))),
  points: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2))),
});
/** One measurement. `scores` order the candidates of a greedy selection; `pairs` and `points` belong to interpolation. */
export type EvaluateParameters = v.InferOutput<typeof evaluateSchema>;

type Arity = "one" | "many" | "optional-one" | "optional-many";
type KindSchema = {
  readonly inputs: { readonly [role: string]: Arity };
  readonly parameters: v.GenericSchema;
  readonly seeded: boolean | "optional";
  readonly computed: boolean;
};

/** Inputs, parameters, and whether there are a seed and an arithmetic, for each kind of recipe. */
export const schemas: { readonly [K in RecipeKind]: KindSchema } = {
  import: { inputs: {}, parameters: importSchema, seeded: false, computed: false },
  dataset: {
    inputs: { source: "optional-one" },
    parameters: v.variant("generator", [glyphsSchema, rotatedDigitsSchema]),
    seeded: true,
    computed: false,
  },
  pretrain: { inputs: { datasets: "many" }, parameters: trainingSchema, seeded: true, computed: true },
  probe: { inputs: { datasets: "many", featurizer: "one" }, parameters: trainingSchema, seeded: true, computed: true },
  "fine-tune": { inputs: { datasets: "many", featurizer: "one", head: "one" }, parameters: trainingSchema, seeded: true, computed: true },
  average: {
    inputs: { models: "optional-many", base: "optional-one", statistics: "optional-many" },
    parameters: averageSchema,
    seeded: "optional",
    computed: true,
  },
  evaluate: {
    inputs: { models: "many", heldOut: "optional-one", validation: "optional-many" },
    parameters: evaluateSchema,
    seeded: false,
    computed: true,
  },
};
