import * as v from "valibot";
import { natural, share, unless } from "./fields.ts";
import type { Kind } from "./kind.ts";

const parameters = v.strictObject({
  scheme: v.picklist(["domainbed/1", "items/1"]),
  fraction: share,
  trial: natural,
  test: unless(0, share),
});
/**
 * Which rows of each domain are for training and which for validation. `domainbed/1` is DomainBed's own: of domain i, in the order of the
 * data set, floor(fraction x rows) of numpy's permutation with the seed of (trial, i) are validation rows.
 *
 * `items/1` puts all images of one item on one side, in all domains: an item is what an image shows, as the data set says it, or else the name
 * of the file without folders and extension. An item's place in a draw is the first six bytes, the first the highest, of the SHA-256 of a
 * text in UTF-8, over 2^48. Items whose place of `test/<item>` is below `test` are for testing, in every trial; of the others those whose
 * place of `validation/<trial>/<item>` is below `fraction` are for validation. Rows are ascending.
 */
export type SplitParameters = v.InferOutput<typeof parameters>;

export const splitKind: Kind = {
  about: "Which rows of each domain of a data set are for training, which for validation, and which for testing alone.",
  makes: ["split"],
  form: {
    inputs: { dataset: "one" },
    parameters,
    seeded: false,
    computed: false,
    rule({ parameters: { scheme, fraction, test } }) {
      if (scheme !== "items/1" && test !== undefined)
        return { field: "parameters.test", problem: "belongs to items/1; other schemes hold no items out" };
      if (fraction === 0 && test === undefined) return { field: "parameters.fraction", problem: "is 0: nothing is split off" };
      return undefined;
    },
  },
};
