import * as v from "valibot";
import { natural, share } from "./fields.ts";
import type { Kind } from "./kind.ts";

const parameters = v.strictObject({
  scheme: v.literal("domainbed/1"),
  fraction: v.pipe(share, v.gtValue(0)),
  trial: natural,
});
/**
 * Which rows of each domain are for training and which for validation. `domainbed/1` is DomainBed's own: of domain i, in the order of the
 * data set, floor(fraction x rows) of numpy's permutation with the seed of (trial, i) are validation rows.
 */
export type SplitParameters = v.InferOutput<typeof parameters>;

export const splitKind: Kind = {
  about: "Which rows of each domain of a data set are for training, and which for validation.",
  makes: ["split"],
  form: { inputs: { dataset: "one" }, parameters, seeded: false, computed: false },
};
