import * as v from "valibot";
import { count, distinct, label } from "./fields.ts";

const option = v.union([v.pipe(v.number(), v.finite()), v.boolean(), v.string(), v.array(v.number())]);

/** A network by name, and what its pictures are, where they are not what the name alone says. Who trains it knows which options it has. */
export const network = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_.-]{0,99}$/, 'Expected the name of a network, such as "resnet50"')),
  channels: v.optional(count),
  size: v.optional(count),
  options: v.optional(v.pipe(v.record(v.string(), option), v.minEntries(1, "is empty: leave it out"))),
});

/** The domains that a recipe is about, by name; their order counts. */
export const domains = distinct(label);

/** The name of how pictures become pixels, with its version. */
export const preset = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*\/[1-9][0-9]*$/, 'Expected a name with a version, such as "resize/1"'));
