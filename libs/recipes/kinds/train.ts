import * as v from "valibot";
import { count, distinct, label, natural, nonNegative, positive, share, unless } from "./fields.ts";
import type { Kind } from "./kind.ts";
import { domains, network, preset } from "./network.ts";

const parameters = v.strictObject({
  network,
  classes: count,
  domains,
  trainable: unless("all", v.picklist(["all", "head"])),
  optimiser: v.strictObject({ name: v.literal("adam"), learningRate: positive, weightDecay: unless(0, nonNegative) }),
  steps: count,
  headOnlySteps: unless(0, natural),
  batch: count,
  sampling: unless("without-replacement", v.picklist(["without-replacement", "with-replacement"])),
  transform: v.optional(v.strictObject({ training: preset, validation: preset })),
  dropout: unless(0, share),
  validate: v.optional(v.strictObject({ every: count })),
  keep: unless("last", v.picklist(["last", "best"])),
  head: v.optional(distinct(label)),
});
/**
 * One training of a network. `batch` counts rows of each of `domains` and step. `headOnlySteps` come before `steps` and train the head
 * alone. `validate.every` is in steps; `keep: "best"` keeps the weights with the best mean accuracy over the domains on the validation
 * rows of the split, the earliest on ties. `transform` says how images become pixels; records have none. `head` names the tensors of the head where the network is one that only its trainer knows.
 * Inputs: `weights` to start from (without, the seed draws them), `head` a model whose head is taken, `split` of the data set.
 */
export type TrainParameters = v.InferOutput<typeof parameters>;

/** What holds where a recipe of this kind says nothing. */
export const trainDefaults = {
  trainable: "all",
  headOnlySteps: 0,
  sampling: "without-replacement",
  dropout: 0,
  keep: "last",
} as const satisfies Partial<TrainParameters>;

export const trainKind: Kind = {
  about: "One training of a network, from weights or from the seed.",
  makes: ["model"],
  form: {
    inputs: { dataset: "one", split: "optional-one", weights: "optional-one", head: "optional-one" },
    parameters,
    seeded: true,
    computed: true,
    rule({ inputs, parameters: { keep, validate, trainable, headOnlySteps } }) {
      if (keep === "best" && validate === undefined) return { field: "parameters.validate", problem: 'is missing; "best" is chosen by it' };
      if (validate !== undefined && inputs["split"] === undefined)
        return { field: "inputs.split", problem: "is missing; it says which rows are for validation" };
      if (trainable === "head" && headOnlySteps !== undefined)
        return { field: "parameters.headOnlySteps", problem: "has no meaning where the head alone is trained" };
      return undefined;
    },
  },
};
