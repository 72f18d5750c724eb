import * as v from "valibot";
import { canonicalJson, type Digest, isDigest, type Json } from "../canonical.ts";

/** Fields that kinds of recipes share. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(1));
export const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
export const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4294967295));
export const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
export const nonNegative = v.pipe(v.number(), v.finite(), v.minValue(0));
/** At least 0, below 1. */
export const share = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
export const digest = v.custom<Digest>(isDigest, "Expected a digest: sha256: and 64 hexadecimal digits");
/** What people call a domain, a class or a tensor. */
export const label = v.pipe(v.string(), v.minLength(1), v.maxLength(1000));
/** A list in which nothing stands twice. */
export const distinct = <T extends v.GenericSchema<unknown, Json>>(item: T) =>
  v.pipe(
    v.array(item),
    v.minLength(1),
    v.check((items) => new Set(items.map((each) => canonicalJson(each))).size === items.length, "something stands in it twice"),
  );

/**
 * A parameter that need not be there: where it is absent it is `usual`. It is refused where it says just that, so that two recipes that
 * mean the same have the same key, and a parameter that is added later leaves the keys of earlier recipes as they are.
 */
export function unless<T extends Json>(
  usual: NoInfer<T>,
  schema: v.GenericSchema<unknown, T>,
): v.OptionalSchema<v.GenericSchema<unknown, T>, undefined> {
  const same = canonicalJson(usual);
  return v.optional(
    v.pipe(
      schema,
      v.check((value) => canonicalJson(value) !== same, `is ${same} where nothing is said: leave it out`),
      v.metadata({ default: usual }),
    ),
  );
}
