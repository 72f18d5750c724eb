import type { WrittenJson, WrittenObject } from "./written-json.ts";

/**
 * Says whether the head is the embedding. Where a part of several towers says it for itself, it says the same.
 * @example
 * ```ts
 * const config = parseWritten('{"text_config": {"tie_word_embeddings": true}}');
 * valueOfWritten(withTying(config, false)); // { text_config: { tie_word_embeddings: false }, tie_word_embeddings: false }
 * ```
 */
export function withTying(config: WrittenObject, tied: boolean): WrittenObject {
  const key = "tie_word_embeddings";
  const changed = everywhere(config, (part) => mapped(part, (name, value) => (name === key ? tied : value)));
  return { ...changed, [key]: tied };
}

/** The same change for an object and for all objects in it. */
export function everywhere(config: WrittenObject, change: (part: WrittenObject) => WrittenObject): WrittenObject {
  return mapped(change(config), (_, value) => (isPart(value) ? everywhere(value, change) : value));
}

/** An object with every value changed. */
export function mapped(object: WrittenObject, change: (key: string, value: WrittenJson) => WrittenJson): WrittenObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));
}

/** Whether a value of a configuration is an object of its own. */
export function isPart(value: WrittenJson): value is WrittenObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
