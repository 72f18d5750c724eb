import type { Json, Recipe } from "#libs/recipes";

/** One place at which two values differ. JSON of a text, a number, a truth value, null, or what is empty; undefined where there is nothing. */
export type JsonDifference = { readonly path: string; readonly from: string | undefined; readonly to: string | undefined };

/**
 * Where two recipes differ, place by place, in the order of paths of the first and then of what only the second has.
 * @example
 * ```ts
 * const average = (method, models) => ({ kind: "average", inputs: { models }, parameters: { method } });
 * const found = [...recipeDifferences(average("uniform", ["sha256:aa"]), average("ties", ["sha256:aa", "sha256:bb"]))];
 * found.map(({ path }) => path); // ["inputs.models[1]", "parameters.method"]
 * found[1]; // { path: "parameters.method", from: '"uniform"', to: '"ties"' }
 * ```
 */
export function recipeDifferences(from: Recipe, to: Recipe): Generator<JsonDifference> {
  return differences(from as unknown as Json, to as unknown as Json, "");
}

function* differences(from: Json | undefined, to: Json | undefined, path: string): Generator<JsonDifference> {
  const [before, after] = [partsOf(from), partsOf(to)];
  // A place that is a tree on one side only, or of another kind, is told leaf by leaf.
  if (before === undefined && after === undefined) {
    const [a, b] = [shown(from), shown(to)];
    if (a !== b) yield { path, from: a, to: b };
    return;
  }
  if (before === undefined && from !== undefined) yield { path, from: shown(from), to: undefined };
  for (const name of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]))
    yield* differences(before?.get(name), after?.get(name), path === "" ? name : `${path}${name.startsWith("[") ? "" : "."}${name}`);
  if (after === undefined && to !== undefined) yield { path, from: undefined, to: shown(to) };
}

/** What a value consists of, by name; undefined of what has no parts. */
function partsOf(value: Json | undefined): ReadonlyMap<string, Json> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const parts = Array.isArray(value)
    ? value.map((part: Json, i): [string, Json] => [`[${i}]`, part])
    : Object.entries(value as { readonly [name: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.length === 0 ? undefined : new Map(parts);
}

function shown(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
