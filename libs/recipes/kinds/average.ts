import * as v from "valibot";
import { digest } from "./fields.ts";
import type { Kind } from "./kind.ts";

const setting = v.union([v.pipe(v.number(), v.finite()), v.boolean()]);

const parameters = v.strictObject({
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
export type AverageParameters = v.InferOutput<typeof parameters>;

export const averageKind: Kind = {
  about: "The average of models, or another merge of them.",
  makes: ["model"],
  form: {
    inputs: { models: "optional-many", base: "optional-one", statistics: "optional-many" },
    parameters,
    seeded: "optional",
    computed: true,
  },
};
