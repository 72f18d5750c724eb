import * as v from "valibot";
import type { Kind } from "./kind.ts";

const parameters = v.strictObject({
  measure: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,99}$/, 'Expected the name of a measure, such as "accuracy"')),
  options: v.optional(v.pipe(v.record(v.string(), v.unknown()), v.minEntries(1, "is empty: leave it out"))),
});
/** A function of predictions, by name. Which there are, and what their options mean, is known to the service that computes them. */
export type MeasureParameters = v.InferOutput<typeof parameters>;

export const measureKind: Kind = {
  about: "A number, or several, computed from predictions alone.",
  makes: ["evaluation"],
  form: { inputs: { predictions: "many" }, parameters, seeded: false, computed: true },
};
