import * as v from "valibot";
import { natural, share } from "./fields.ts";
import type { Kind } from "./kind.ts";

const parameters = v.strictObject({
  measure: v.picklist(["accuracy", "ensemble", "barriers", "interpolation", "diversity", "greedy"]),
  validationFraction: share,
  scores: v.optional(v.array(v.number())),
  pairs: v.optional(v.array(v.tuple([natural, natural]))),
  points: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2))),
});
/** One measurement. `scores` order the candidates of a greedy selection; `pairs` and `points` belong to interpolation. */
export type EvaluateParameters = v.InferOutput<typeof parameters>;

/** Measurements of the digits benchmark, which run models themselves; frozen. Others are of kind `predict`, then `measure`. */
export const evaluateKind: Kind = {
  about: "A measurement of the digits benchmark, which runs models itself; frozen, of others predict, then measure.",
  makes: ["evaluation"],
  form: {
    inputs: { models: "many", heldOut: "optional-one", validation: "optional-many" },
    parameters,
    seeded: false,
    computed: true,
  },
};
