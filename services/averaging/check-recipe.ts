import { completeAll, type GivenParameters, MergeParameterError, type Method, methodNamed } from "#libs/merging";
import { type AverageParameters, type Digest, inputsOf, type Recipe } from "#libs/recipes";
import { quote } from "#libs/text";
import { InvalidAverageError, type Violation } from "./errors.ts";
import { arithmeticOf, recipeMethods, settledMeans } from "./methods.ts";

/** What a recipe asks for. */
export type CheckedAverage = {
  readonly method: Method;
  readonly given: GivenParameters;
  readonly models: readonly Digest[];
  readonly base: Digest | undefined;
  readonly statistics: readonly Digest[];
  readonly exclude: ReadonlySet<string>;
  /** The type of the result's numbers; that of the models unless given. */
  readonly dtype: "F64" | "F32" | "F16" | "BF16" | undefined;
  readonly seed: number | undefined;
};

/** Models of one average. Each of them is opened; averages of more are averages of averages. */
const MOST_MODELS = 1000;

/** Reads the parameters of a recipe. Throws InvalidAverageError naming every wrong field. */
export function checkRecipe(recipe: Recipe): CheckedAverage {
  if (recipe.kind !== "average") throw wrong([{ field: "recipe.kind", description: `is ${recipe.kind}; it has to be average` }]);
  const parameters = recipe.parameters as AverageParameters;
  const models = inputsOf(recipe, "models");
  const method = methodNamed(parameters.method);
  const violations: Violation[] = [];
  if (method === undefined) violations.push({ field: PARAMETERS.method, description: unknownMethod(parameters.method) });
  else violations.push(...arithmeticProblem(recipe, method));
  if (parameters.contributions !== undefined) {
    violations.push({
      field: "recipe.parameters.contributions",
      description: "are of a session, which has taken them without keeping them: they cannot be averaged again",
    });
  } else if (models.length === 0)
    violations.push({ field: "recipe.inputs.models", description: "are missing; an average is of at least one" });
  for (const role of ["models", "statistics"]) {
    const count = inputsOf(recipe, role).length;
    if (count > MOST_MODELS) {
      // Nothing else is said of so many.
      throw wrong([{ field: `recipe.inputs.${role}`, description: `are ${count}; at most ${MOST_MODELS} are averaged at once` }]);
    }
  }
  violations.push(...weightsProblem(parameters, method, models.length), ...settingsProblem(parameters, models.length));
  if (method === undefined || violations.length > 0) throw wrong(violations);
  const given = givenBy(parameters, models.length);
  violations.push(...inputsProblem(recipe, method), ...valuesProblem(method, given, models.length));
  if (violations.length > 0) throw wrong(violations);
  const [base] = inputsOf(recipe, "base");
  return {
    method,
    given,
    models,
    base,
    statistics: inputsOf(recipe, "statistics"),
    exclude: new Set(parameters.exclude),
    dtype: parameters.dtype,
    seed: recipe.seed,
  };
}

const PARAMETERS = {
  method: "recipe.parameters.method",
  weights: "recipe.parameters.weights",
  parameters: "recipe.parameters.parameters",
} as const;

function wrong(violations: readonly Violation[]): InvalidAverageError {
  return new InvalidAverageError(violations);
}

function unknownMethod(name: string): string {
  return `is ${quote(name)}; this server knows ${recipeMethods.map((method) => method.name).join(", ")}`;
}

function* arithmeticProblem({ arithmetic }: Recipe, method: Method): Generator<Violation> {
  const own = arithmeticOf(method);
  if (arithmetic !== own)
    yield {
      field: "recipe.arithmetic",
      description: `is ${arithmetic}; this server averages with ${own} where the method is ${method.name}`,
    };
}

function* weightsProblem(
  { method: name, weights, parameters }: AverageParameters,
  method: Method | undefined,
  models: number,
): Generator<Violation> {
  const field = PARAMETERS.weights;
  if (name === "uniform" && weights !== undefined) {
    yield { field, description: "are given for a uniform average; leave them out, or choose the method weighted" };
  } else if ((name === "weighted" || weights !== undefined) && weights?.length !== models) {
    yield { field, description: `are ${weights?.length ?? 0} for ${models} models; every model needs one` };
  } else if (weights !== undefined && method && !method.parameters.some((parameter) => parameter.name === "weight")) {
    yield { field, description: `are given, and ${method.name} has none` };
  }
  if (weights !== undefined && parameters !== undefined && Object.hasOwn(parameters, "weight"))
    yield { field: PARAMETERS.parameters, description: "give a weight, as the weights do; leave one of them out" };
}

function* settingsProblem({ method, parameters = {} }: AverageParameters, models: number): Generator<Violation> {
  if (Object.hasOwn(settledMeans, method) && Object.keys(parameters).length > 0)
    yield { field: PARAMETERS.parameters, description: `are given, and ${method} has none; the method linear has` };
  for (const [name, value] of Object.entries(parameters))
    if (Array.isArray(value) && value.length !== models)
      yield {
        field: `${PARAMETERS.parameters}.${name}`,
        description: `has ${value.length} values for ${models} models; every model needs one`,
      };
}

/** What the method asks of its inputs. It is seen here so that nothing is fetched in vain. */
function* inputsProblem(recipe: Recipe, { name, models: { min, max }, base, statistics }: Method): Generator<Violation> {
  const count = (role: string) => inputsOf(recipe, role).length;
  const [models, measured] = [count("models"), count("statistics")];
  if (models < min || models > max) {
    const allowed = min === max ? `${min}` : Number.isFinite(max) ? `${min} to ${max}` : `at least ${min}`;
    yield { field: "recipe.inputs.models", description: `are ${models}; ${name} takes ${allowed}` };
  }
  if (base === "required" && count("base") === 0) yield { field: "recipe.inputs.base", description: `is missing; ${name} needs one` };
  if (base === "none" && count("base") > 0) yield { field: "recipe.inputs.base", description: `is given, and ${name} takes none` };
  if (statistics === undefined && measured > 0)
    yield { field: "recipe.inputs.statistics", description: `are given, and ${name} takes none` };
  if (statistics !== undefined && measured !== models)
    yield { field: "recipe.inputs.statistics", description: `are ${measured} for ${models} models; ${name} needs them of every model` };
}

function* valuesProblem(method: Method, given: GivenParameters, models: number): Generator<Violation> {
  try {
    completeAll(method, given, models, (i) => `models[${i}]`);
  } catch (error) {
    if (!(error instanceof MergeParameterError)) throw error;
    for (const description of error.problems) yield { field: PARAMETERS.parameters, description };
  }
}

/** One value for the merge, or one for each model. */
function givenBy({ method, weights, parameters = {} }: AverageParameters, count: number): GivenParameters {
  const settings = Object.entries({ ...settledMeans[method], ...parameters, ...(weights === undefined ? {} : { weight: weights }) });
  const each = settings.flatMap(([name, value]) => (Array.isArray(value) ? [[name, value] as const] : []));
  const models = Array.from({ length: count }, (_, i) => Object.fromEntries(each.map(([name, values]) => [name, values[i]!])));
  const merge = Object.fromEntries(settings.flatMap(([name, value]) => (typeof value === "object" ? [] : [[name, value]])));
  return { merge, ...(each.length > 0 ? { models } : {}) };
}
