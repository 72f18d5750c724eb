import * as v from "valibot";
import type { Kind } from "./kind.ts";

/** What an import's images look like, for those who search for images that are nearly equal. Made by whoever imports them, and decodes them all. */
export const looksKind: Kind = {
  about: "What the images of an import look like: a hash of each that is nearly the same for images that are.",
  makes: ["looks"],
  form: { inputs: { source: "one" }, parameters: v.strictObject({}), seeded: false, computed: true },
};
