import type { Value } from "@bufbuild/protobuf/wkt";
import { methodNamed } from "#libs/merging";
import { type Json, parseRecipe, type Recipe, RecipeError } from "#libs/recipes";
import { quote } from "#libs/text";
import type { AverageRequest } from "#proto/ratatouille/v1/averaging_pb.ts";
import { InvalidAverageError, type Violation } from "./errors.ts";
import { arithmeticOf, recipeMethodName } from "./methods.ts";

/** A recipe, and what of the request is to blame where something of it is wrong. */
export type AskedAverage = {
  readonly recipe: Recipe;
  /** The field of the request for a path such as "recipe.inputs.models[0]". */
  fieldOf(path: string): string;
};

/** Where nothing is said. */
const USUAL_METHOD = "uniform";

/**
 * The recipe that a request asks for: the JSON that it holds, or what its fields say.
 * @throws InvalidAverageError naming the wrong field
 */
export function readRequest(request: AverageRequest): AskedAverage {
  if (request.recipe === "") return { recipe: recipeOf(request), fieldOf: fieldOfRequest };
  const typed = typedFields(request).find(([, given]) => given)?.[0];
  if (typed !== undefined) throw wrong(typed, "is given beside a whole recipe; leave one of both out");
  return { recipe: parsed(request.recipe, (path) => path), fieldOf: (path) => path };
}

function typedFields(request: AverageRequest): readonly (readonly [string, boolean])[] {
  const { models, method, weights, base, statistics, parameters, exclude, dtype, seed } = request;
  return [
    ["models", models.length > 0],
    ["method", method !== ""],
    ["weights", weights.length > 0],
    ["base", base !== ""],
    ["statistics", statistics.length > 0],
    ["parameters", Object.keys(parameters).length > 0],
    ["exclude", exclude.length > 0],
    ["dtype", dtype !== ""],
    ["seed", seed !== undefined],
  ];
}

/** Equal wishes make equal recipes: what is empty is left out, aliases give way to names, and what is left out of the result is sorted. */
function recipeOf({ models, method, weights, base, statistics, parameters, exclude, dtype, seed }: AverageRequest): Recipe {
  const name = recipeMethodName(method === "" ? USUAL_METHOD : method);
  const known = methodNamed(name);
  if (seed !== undefined && known !== undefined && known.random !== true)
    throw wrong("seed", `is given, and ${known.name} draws no random numbers`);
  const settings = Object.entries(parameters).map(([key, value]) => [key, settingOf(`parameters[${quote(key)}]`, value)] as const);
  const given = {
    ...(weights.length > 0 ? { weights } : {}),
    ...(settings.length > 0 ? { parameters: Object.fromEntries(settings) } : {}),
    ...(exclude.length > 0 ? { exclude: [...new Set(exclude)].sort() } : {}),
    ...(dtype === "" ? {} : { dtype }),
  };
  const inputs = {
    ...(models.length > 0 ? { models } : {}),
    ...(base === "" ? {} : { base }),
    ...(statistics.length > 0 ? { statistics } : {}),
  };
  const recipe = {
    kind: "average",
    inputs,
    parameters: { method: name, ...given },
    ...(known?.random ? { seed: seed ?? 0 } : {}),
    // Of an unknown method it does not matter: that is what will be said.
    arithmetic: known === undefined ? "unknown" : arithmeticOf(known),
  };
  return parsed(recipe, fieldOfRequest);
}

function settingOf(field: string, { kind }: Value): Json {
  switch (kind.case) {
    case "numberValue":
    case "boolValue":
      return kind.value;
    case "listValue":
      return kind.value.values.map((value, i) => {
        if (value.kind.case === "listValue") throw wrong(`${field}[${i}]`, EXPECTED);
        return settingOf(`${field}[${i}]`, value);
      });
    default:
      throw wrong(field, EXPECTED);
  }
}

const EXPECTED = "expected a number or a bool, or a list of these with one for each model";

function parsed(source: unknown, fieldOf: (path: string) => string): Recipe {
  try {
    return parseRecipe(source);
  } catch (cause) {
    if (!(cause instanceof RecipeError)) throw cause;
    const path = cause.field === "recipe" ? "recipe" : `recipe.${cause.field}`;
    throw wrong(fieldOf(path), cause.description, cause);
  }
}

/**
 * The field of the request that a path of a recipe comes from. What is wrong with the models together is said of `models`.
 * @example
 * ```ts
 * fieldOfRequest("recipe.inputs.models.3"); // "models[3]"
 * fieldOfRequest("recipe.parameters.parameters.density"); // "parameters[\"density\"]"
 * fieldOfRequest("recipe"); // "models"
 * ```
 */
export function fieldOfRequest(path: string): string {
  if (path === "recipe") return "models";
  const field = path.replace(/^recipe\.(inputs\.|parameters\.)?/, "");
  const [, name, place = ""] = /^parameters\.(.*?)((?:\.\d+|\[\d+\])?)$/.exec(field) ?? [];
  return (name === undefined ? field : `parameters[${quote(name)}]${place}`).replace(/\.(\d+)$/, "[$1]");
}

function wrong(field: string, description: string, cause?: Error): InvalidAverageError {
  const violations: Violation[] = [{ field, description }];
  return new InvalidAverageError(violations, { cause });
}
