import type { MergekitConfig, Reference } from "./config.ts";

/** Every model that is named, members first; some more than once. The tokenizer's may be another one. */
export function* referencesOf({ slices, base, tokenizer }: MergekitConfig): Generator<Reference> {
  for (const { sources } of slices) for (const { reference } of sources) yield reference;
  for (const slice of slices) if (slice.base !== undefined) yield slice.base;
  if (base !== undefined) yield base;
  if (tokenizer !== undefined && typeof tokenizer.from !== "string") yield tokenizer.from;
}
