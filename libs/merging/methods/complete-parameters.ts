import type { Method, Parameter } from "../method.ts";
import type { ParameterValues } from "../parameters.ts";

/** Values of parameters do not fit their method. Every reason, each one sentence. */
export class MergeParameterError extends Error {
  override readonly name = "MergeParameterError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** Values that somebody gave: of the merge as a whole, and of each model. */
export type GivenValues = {
  readonly merge?: ParameterValues;
  readonly models?: readonly ParameterValues[];
};

/** All values of a method for one tensor. */
export type CompleteValues = { readonly merge: ParameterValues; readonly models: readonly ParameterValues[] };

/** Whose values they are. */
export type ParametersOf = { readonly scope: "merge" } | { readonly scope: "model"; readonly model: string };

/**
 * The values of a method's parameters in one scope, with defaults where nothing is given.
 * @throws MergeParameterError that lists every name that the method does not have, and every value that is missing or out of bounds.
 * @example
 * ```ts
 * completeParameters(methodNamed("linear")!, {}, { scope: "merge" }); // { normalize: true }
 * ```
 */
export function completeParameters(method: Method, given: ParameterValues, where: ParametersOf): ParameterValues {
  const problems: string[] = [];
  const values = complete(method, given, where, problems);
  if (problems.length > 0) throw new MergeParameterError(problems);
  return values;
}

/**
 * All values of a method for a tensor of so many models. What is given for the merge and belongs to each model is the value of every
 * model that has none of its own, as in mergekit.
 * @throws MergeParameterError with all that is wrong.
 * @example
 * ```ts
 * const { merge, models } = completeAll(methodNamed("linear")!, { merge: { weight: 2 } }, 2);
 * [merge, ...models]; // [{ normalize: true }, { weight: 2 }, { weight: 2 }]
 * ```
 */
export function completeAll(
  method: Method,
  { merge = {}, models = [] }: GivenValues,
  count: number,
  nameOf: (model: number) => string = (model) => `model ${model + 1}`,
): CompleteValues {
  const problems: string[] = [];
  if (models.length > 0 && models.length !== count) problems.push(`there are parameters for ${models.length} models, and ${count} models`);
  const perModel = new Set(method.parameters.filter(({ scope }) => scope === "model").map(({ name }) => name));
  const shared = Object.entries(merge).filter(([name]) => perModel.has(name));
  const own = Object.fromEntries(Object.entries(merge).filter(([name]) => !perModel.has(name)));
  const values = {
    merge: complete(method, own, { scope: "merge" }, problems),
    models: Array.from({ length: count }, (_, i) =>
      complete(method, { ...Object.fromEntries(shared), ...models[i] }, { scope: "model", model: nameOf(i) }, problems),
    ),
  };
  if (problems.length > 0) throw new MergeParameterError([...new Set(problems)]);
  return values;
}

function complete(method: Method, given: ParameterValues, where: ParametersOf, problems: string[]): ParameterValues {
  const known = method.parameters.filter(({ scope }) => scope === where.scope);
  const of = where.scope === "merge" ? method.name : `${method.name}, ${where.model}`;
  for (const name of Object.keys(given)) {
    if (!known.some((parameter) => parameter.name === name)) problems.push(`${of}: ${unknownName(method, name, where.scope)}`);
  }
  const values: { [name: string]: number | boolean } = {};
  for (const parameter of known) {
    const value = given[parameter.name] ?? parameter.default;
    const problem = value === undefined ? "is missing" : problemWith(parameter, value);
    if (problem !== undefined) problems.push(`${of}: ${parameter.name} ${problem}; it has to be ${boundsOf(parameter)}`);
    else values[parameter.name] = value!;
  }
  return values;
}

function unknownName(method: Method, name: string, scope: Parameter["scope"]): string {
  const elsewhere = method.parameters.some((parameter) => parameter.name === name);
  if (elsewhere) return `${name} is a parameter of ${scope === "merge" ? "each model" : "the merge as a whole"}`;
  const names = method.parameters.map((parameter) => parameter.name);
  return `there is no parameter ${name}; there ${names.length === 0 ? "are none" : `is ${names.join(", ")}`}`;
}

function problemWith({ type, min, max, exclusive }: Parameter, value: number | boolean): string | undefined {
  const bad = `is ${value}`;
  if (type === "boolean") return typeof value === "boolean" ? undefined : bad;
  if (typeof value !== "number" || !Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) return bad;
  const low = min !== undefined && (exclusive ? value <= min : value < min);
  const high = max !== undefined && (exclusive ? value >= max : value > max);
  return low || high ? bad : undefined;
}

/**
 * What a value may be, in words: "a number from 0 to 1".
 * @example
 * ```ts
 * boundsOf({ name: "t", scope: "merge", type: "number", min: 0, max: 1, description: "" }); // "a number from 0 to 1"
 * ```
 */
export function boundsOf({ type, min, max, exclusive }: Parameter): string {
  if (type === "boolean") return "true or false";
  const kind = type === "integer" ? "a whole number" : "a number";
  if (min !== undefined && max !== undefined)
    return exclusive ? `${kind} between ${min} and ${max}, without these` : `${kind} from ${min} to ${max}`;
  if (min !== undefined) return exclusive ? `${kind} above ${min}` : `${kind} of at least ${min}`;
  if (max !== undefined) return exclusive ? `${kind} below ${max}` : `${kind} of at most ${max}`;
  return kind;
}
