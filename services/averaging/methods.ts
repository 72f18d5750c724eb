import { MERGE_ARITHMETIC, type Method, methodNamed, methods } from "#libs/merging";
import { arithmetics } from "#libs/recipes";

/** Names that recipes have for the linear method where its one parameter is settled: the mean, and weights that are used as they are. */
export const settledMeans: { readonly [name: string]: { readonly normalize: boolean } } = {
  uniform: { normalize: true },
  weighted: { normalize: false },
};

/** What the bytes of a method's results depend on. Every number of the linear method is exact, and rounded once. */
export function arithmeticOf(method: Method): string {
  return method.name === "linear" ? arithmetics.averaging : MERGE_ARITHMETIC;
}

/**
 * The name by which recipes call a method: a settled mean, or the method's own where an alias is given. Other names stay as they are.
 * @example
 * ```ts
 * recipeMethodName("uniform"); // "uniform"
 * recipeMethodName("task-arithmetic"); // "task_arithmetic"
 * recipeMethodName("nothing like it"); // "nothing like it"
 * ```
 */
export function recipeMethodName(name: string): string {
  return Object.hasOwn(settledMeans, name) ? name : (methodNamed(name)?.name ?? name);
}

const linear = methodNamed("linear")!;
const weight = linear.parameters.find(({ name }) => name === "weight")!;
const { default: _, ...neededWeight } = weight;

const shownMeans: readonly Method[] = [
  { ...linear, name: "uniform", aliases: [], title: "Mean", formula: "θ = Σ θ_i / K", parameters: [] },
  {
    ...{ ...linear, name: "weighted", aliases: [], title: "Weighted sum" },
    summary: "The sum of the weighted models, each number exact and rounded once. The weights are used as they are.",
    formula: "θ = Σ λ_i θ_i",
    parameters: [neededWeight],
  },
];

/** Every method that a recipe may name, as people are shown them. */
export const recipeMethods: readonly Method[] = [
  ...shownMeans,
  ...methods.map((method) => ({ ...method, aliases: method.aliases?.filter((name) => !Object.hasOwn(settledMeans, name)) ?? [] })),
];
