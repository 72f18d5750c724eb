import { ownEngineNamed, ownEngines } from "#libs/engines";
import { type Engine, openEngine } from "#libs/learning";
import { type Network, NetworkOptionsError, networkOf, UnknownNetworkError } from "#libs/networks";
import { arithmetics, type PredictParameters, type Recipe, RecipeError } from "#libs/recipes";
import { quote } from "#libs/text";
import type { Work } from "../work.ts";

/** The network of a recipe. @throws RecipeError where there is none of the name, or not as the recipe has it */
export function networkIn(recipe: Recipe): Network {
  const { network, classes } = recipe.parameters as PredictParameters;
  const { name, ...needs } = network;
  try {
    return networkOf(name, { ...needs, classes } as Parameters<typeof networkOf>[1]);
  } catch (cause) {
    if (cause instanceof UnknownNetworkError || cause instanceof NetworkOptionsError)
      throw new RecipeError("parameters.network", cause.message, { cause });
    throw cause;
  }
}

/** The engine that a job asks for. @throws RecipeError for an arithmetic that no engine here computes, EngineMissingError */
export function engineFor({ arithmetic }: Recipe, { engine }: Work): Promise<Engine> {
  if (arithmetic !== arithmetics.training) throw new RecipeError("arithmetic", `this trainer cannot compute in ${quote(arithmetic ?? "")}`);
  const known = ownEngineNamed(engine);
  if (known) return openEngine(known);
  const names = ownEngines.map(({ name }) => name).join(", ");
  throw new RecipeError("arithmetic", `this trainer has no engine ${quote(engine)}; it knows ${names}`);
}
