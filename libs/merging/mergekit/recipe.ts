import type { Json } from "#libs/recipes";
import type { Condition, MergekitConfig, Settings, Source } from "./config.ts";

type JsonObject = { readonly [name: string]: Json };

/**
 * A configuration as the parameters of a recipe: all that it asks for, with models by the digests of their weights. Where they lie on this
 * machine is no part of it.
 */
export function recipeOfMergekit(config: MergekitConfig, digestOf: (text: string) => string): JsonObject {
  const { method, kind, slices, base, moduleParameters, parameters, dtype } = config;
  const sourceOf = ({ reference, layers, parameters: own }: Source): JsonObject => ({
    model: digestOf(reference.text),
    ...(layers === undefined ? {} : { layer_range: [...layers] }),
    ...settingsOf(own),
  });
  const plain = slices.map((slice) => ({
    sources: slice.sources.map(sourceOf),
    ...(slice.base === undefined ? {} : { base_model: digestOf(slice.base.text) }),
    ...settingsOf(slice.parameters),
  }));
  return {
    method: method.name,
    ...(base === undefined ? {} : { base_model: digestOf(base.text) }),
    ...(kind === "models" ? { models: plain[0]!.sources } : { slices: plain }),
    ...settingsOf(moduleParameters, "module_parameters"),
    ...settingsOf(parameters),
    ...(dtype === undefined ? {} : { dtype }),
  };
}

function settingsOf(settings: Settings, name = "parameters"): JsonObject {
  if (settings.size === 0) return {};
  return { [name]: Object.fromEntries([...settings].map(([key, { conditions }]) => [key, written(conditions)])) };
}

/** One value for all tensors stands for itself. */
function written(conditions: readonly Condition[]): Json {
  const [first] = conditions;
  if (first !== undefined && first.filter === undefined)
    return [first.value].flat().length === 1 ? [first.value].flat()[0]! : (first.value as Json);
  return conditions.map(({ filter, value }) => ({ ...(filter === undefined ? {} : { filter }), value: value as Json }));
}
