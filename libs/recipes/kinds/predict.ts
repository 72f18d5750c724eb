import * as v from "valibot";
import { count, unless } from "./fields.ts";
import type { Kind } from "./kind.ts";
import { domains, network, preset } from "./network.ts";

const parameters = v.strictObject({
  network,
  classes: count,
  domains,
  part: unless("all", v.picklist(["all", "training", "validation", "test"])),
  transform: v.optional(preset),
  weights: v.optional(v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(2))),
});
/**
 * The logits of a model for the rows of `domains`: of all of them, or of a `part` that the split names. Of several models, those of their
 * exact mean, weighted by `weights` divided by their sum; who runs the recipe mixes them, and the mixture is published nowhere.
 * `transform` says how images become pixels; records have none.
 */
export type PredictParameters = v.InferOutput<typeof parameters>;

export const predictKind: Kind = {
  about: "The logits of a model, or of the mean of several, for rows of a data set.",
  makes: ["prediction"],
  form: {
    inputs: { models: "many", dataset: "one", split: "optional-one" },
    parameters,
    seeded: false,
    computed: true,
    rule({ inputs, parameters: { part, weights } }) {
      if (part !== undefined && inputs["split"] === undefined)
        return { field: "inputs.split", problem: `is missing; it says which rows are for ${part}` };
      if (part === undefined && inputs["split"] !== undefined)
        return { field: "inputs.split", problem: "has no meaning where all rows are predicted: leave it out" };
      const models = inputs["models"]?.length;
      if (Array.isArray(weights) && weights.length !== models)
        return { field: "parameters.weights", problem: `has ${weights.length} weights for ${models} models; expected one for each` };
      return undefined;
    },
  },
};
