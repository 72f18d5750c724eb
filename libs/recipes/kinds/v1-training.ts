import * as v from "valibot";
import { count, natural, nonNegative, positive, seed, share } from "./fields.ts";
import type { Kind } from "./kind.ts";

const parameters = v.strictObject({
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
export type TrainingParameters = v.InferOutput<typeof parameters>;

/** Trainings of the digits benchmark on drawn or rotated symbols; frozen. Others are of kind `train`. */
const training = (inputs: { readonly [role: string]: "one" | "many" }): Kind => ({
  about: "A training of the digits benchmark; frozen, others are of kind train.",
  makes: ["model"],
  form: { inputs: { datasets: "many", ...inputs }, parameters, seeded: true, computed: true },
});
export const pretrainKind = training({});
export const probeKind = training({ featurizer: "one" });
export const fineTuneKind = training({ featurizer: "one", head: "one" });
