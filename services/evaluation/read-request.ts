import { arithmetics, parseRecipe, type Recipe, RecipeError } from "#libs/recipes";
import type { EvaluateRequest } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { InvalidEvaluationError } from "./errors.ts";

/** A recipe, and what of the request is to blame where something of it is wrong. */
export type AskedEvaluation = {
  readonly recipe: Recipe;
  /** The field of the request for a path such as "recipe.inputs.predictions[0]". */
  fieldOf(path: string): string;
};

const USUAL_MEASURE = "accuracy";
/** Recipes say how many bins there are where it is another number. */
const USUAL_BINS = 15;

/**
 * The recipe that a request asks for: the JSON that it holds, or what its fields say.
 * @throws InvalidEvaluationError naming the wrong field
 */
export function readRequest(request: EvaluateRequest): AskedEvaluation {
  if (request.recipe === "") return { recipe: parsed(recipeOf(request), fieldOfRequest), fieldOf: fieldOfRequest };
  const { predictions, measure, bins, equalMass, meanLogits } = request;
  const typed = {
    predictions: predictions.length > 0,
    measure: measure !== "",
    bins: bins !== 0,
    equal_mass: equalMass,
    mean_logits: meanLogits,
  };
  const given = Object.entries(typed).find(([, isGiven]) => isGiven)?.[0];
  if (given !== undefined) throw wrong(given, "is given beside a whole recipe; leave one of both out");
  return { recipe: parsed(request.recipe, (path) => path), fieldOf: (path) => path };
}

function recipeOf({ predictions, measure: asked, bins, equalMass, meanLogits }: EvaluateRequest): unknown {
  if (predictions.length === 0) throw wrong("predictions", "are missing; at least one is measured");
  const measure = asked === "" ? USUAL_MEASURE : asked;
  const ofCalibration = bins !== 0 ? "bins" : equalMass ? "equal_mass" : undefined;
  if (ofCalibration !== undefined && measure !== "calibration") throw wrong(ofCalibration, `is given, and ${measure} has none`);
  if (meanLogits && measure !== "ensemble") throw wrong("mean_logits", `is given, and ${measure} takes no mean`);
  const options = {
    ...(bins === 0 || bins === USUAL_BINS ? {} : { bins }),
    ...(equalMass ? { mass: "equal" } : {}),
    ...(meanLogits ? { mean: "logits" } : {}),
  };
  const parameters = { measure, ...(Object.keys(options).length > 0 ? { options } : {}) };
  return { kind: "measure", inputs: { predictions }, parameters, arithmetic: arithmetics.measuring };
}

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
 * The field of the request that a path of a recipe comes from. What is wrong with the predictions together is said of `predictions`.
 * @example
 * ```ts
 * fieldOfRequest("recipe.inputs.predictions.3"); // "predictions[3]"
 * fieldOfRequest("recipe.parameters.options.bins"); // "bins"
 * fieldOfRequest("recipe"); // "predictions"
 * ```
 */
export function fieldOfRequest(path: string): string {
  if (path === "recipe") return "predictions";
  return path.replace(/^recipe\.(inputs|parameters)\.(options\.)?/, "").replace(/\.(\d+)$/, "[$1]");
}

function wrong(field: string, description: string, cause?: Error): InvalidEvaluationError {
  return new InvalidEvaluationError([{ field, description }], { cause });
}
