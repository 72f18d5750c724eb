import * as v from "valibot";
import { natural } from "./fields.ts";
import type { Kind } from "./kind.ts";

const parameters = v.strictObject({
  files: v.pipe(v.array(v.strictObject({ path: v.string(), digest: v.string(), bytes: natural })), v.minLength(1)),
  licence: v.string(),
  source: v.string(),
});
/** Files from outside. `licence` is an SPDX expression, `source` says where they come from. */
export type ImportParameters = v.InferOutput<typeof parameters>;

/** `base` is the model that imported weights are declared to be fine-tuned from. */
export const importKind: Kind = {
  about: "Files from outside, each of them a layer of the artifact; base is the model that imported weights come from.",
  makes: ["source", "model"],
  form: { inputs: { base: "optional-one" }, parameters, seeded: false, computed: false },
};
