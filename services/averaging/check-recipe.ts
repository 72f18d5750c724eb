import { type AverageParameters, arithmetics, inputsOf, type Recipe } from "#libs/recipes";
import { type LinearAverage, uniformAverage } from "./average-window.ts";
import { InvalidAverageError, type Violation } from "./errors.ts";

/** What a recipe asks for: a linear average, and the tensors that it leaves out. */
export type CheckedAverage = LinearAverage & { readonly exclude: ReadonlySet<string> };

/** Reads the parameters of a recipe. Throws InvalidAverageError naming every wrong field. */
export function checkRecipe(recipe: Recipe): CheckedAverage {
  if (recipe.kind !== "average")
    throw new InvalidAverageError([{ field: "recipe.kind", description: `is ${recipe.kind}; it has to be average` }]);
  const violations: Violation[] = [];
  if (recipe.arithmetic !== arithmetics.averaging) {
    violations.push({
      field: "recipe.arithmetic",
      description: `is ${recipe.arithmetic}; this server averages with ${arithmetics.averaging}`,
    });
  }
  const { method, weights, exclude = [], contributions, dtype } = recipe.parameters as AverageParameters;
  const models = inputsOf(recipe, "models").length;
  if (contributions !== undefined) {
    violations.push({
      field: "recipe.parameters.contributions",
      description: "are of a session, which has taken them without keeping them: they cannot be averaged again",
    });
  } else if (models === 0) violations.push({ field: "recipe.inputs.models", description: "are missing; an average is of at least one" });
  if (dtype !== "F32") violations.push({ field: "recipe.parameters.dtype", description: `is ${dtype}; this server averages to F32` });
  if (method === "linear")
    violations.push({ field: "recipe.parameters.method", description: "is linear; this server averages uniform and weighted" });
  const field = "recipe.parameters.weights";
  if (method === "uniform" && weights !== undefined) {
    violations.push({ field, description: "are given for a uniform average; leave them out, or choose the method weighted" });
  }
  if (method === "weighted" && weights?.length !== models) {
    violations.push({ field, description: `are ${weights?.length ?? 0} for ${models} models; every model needs one` });
  }
  if (violations.length > 0) throw new InvalidAverageError(violations);
  const average = method === "weighted" ? { weights: weights!, divisor: 1 } : uniformAverage(models);
  return { ...average, exclude: new Set(exclude) };
}
