import { backendOf, type EvaluateParameters, inputsOf, type Recipe } from "#libs/recipes";
import { InvalidEvaluationError, type Violation } from "./errors.ts";
import { DEFAULT_POINTS } from "./measures/interpolation.ts";

/** A recipe of kind `evaluate` that says all that its measure needs. */
export type Checked = { readonly recipe: Recipe; readonly parameters: EvaluateParameters };

// Inputs of one call are in memory together, and its result has to fit one message of 4 MiB: what does not is said before the work.
const MOST_INPUTS = 1000;
const MOST_PAIRS = 16_000;
const MOST_PLACES = 50_000;

/**
 * Checks what a recipe says against what its measure needs, before anything is loaded.
 * Throws InvalidEvaluationError with all violations.
 */
export function checkRequest(recipe: Recipe): Checked {
  if (recipe.kind !== "evaluate") {
    throw new InvalidEvaluationError([{ field: "recipe.kind", description: `is ${recipe.kind}; the evaluation service runs evaluate` }]);
  }
  const checked = { recipe, parameters: recipe.parameters as unknown as EvaluateParameters };
  const large = [...checkSize(checked)];
  // Nothing else is said of so many.
  if (large.length > 0) throw new InvalidEvaluationError(large);
  const violations = [...checkData(checked), ...checkMembers(checked), ...checkArithmetic(recipe)];
  if (violations.length > 0) throw new InvalidEvaluationError(violations);
  return checked;
}

function* checkSize({ recipe, parameters: { measure, pairs = [], points = DEFAULT_POINTS } }: Checked): Generator<Violation> {
  for (const role of ["models", "validation"]) {
    const count = inputsOf(recipe, role).length;
    if (count > MOST_INPUTS)
      yield { field: `recipe.inputs.${role}`, description: `are ${count}; at most ${MOST_INPUTS} are measured at once` };
  }
  const models = inputsOf(recipe, "models").length;
  const barriers = (models * (models - 1)) / 2;
  if (measure === "barriers" && models <= MOST_INPUTS && barriers > MOST_PAIRS) {
    yield {
      field: "recipe.inputs.models",
      description: `are ${models}, which are ${barriers} pairs; at most ${MOST_PAIRS} are measured at once`,
    };
  }
  if (pairs.length * points > MOST_PLACES) {
    const description = `are ${pairs.length}, each at ${points} points; at most ${MOST_PLACES} places are measured at once`;
    yield { field: "recipe.parameters.pairs", description };
  }
}

function* checkData({ recipe, parameters }: Checked): Generator<Violation> {
  const { measure, validationFraction } = parameters;
  const heldOut = inputsOf(recipe, "heldOut").length > 0;
  const validation = inputsOf(recipe, "validation").length > 0;
  if (measure === "ensemble" && !heldOut) yield { field: "recipe.inputs.heldOut", description: "is missing; ensemble measures on it" };
  else if (measure === "greedy" && !validation)
    yield { field: "recipe.inputs.validation", description: "is missing; greedy selects on it" };
  else if (!heldOut && !validation) yield { field: "recipe.inputs", description: `names no data; ${measure} needs heldOut or validation` };
  if (validation && validationFraction === 0) {
    yield { field: "recipe.parameters.validationFraction", description: "is 0, so there are no validation rows; name a share above 0" };
  }
}

function* checkMembers({ recipe, parameters }: Checked): Generator<Violation> {
  const { measure, scores, pairs } = parameters;
  const models = inputsOf(recipe, "models").length;
  if ((measure === "barriers" || measure === "diversity") && models < 2) {
    yield { field: "recipe.inputs.models", description: `has ${models} model; ${measure} compares at least two` };
  }
  if (measure === "greedy" && scores?.length !== models) {
    yield {
      field: "recipe.parameters.scores",
      description: `has ${scores?.length ?? 0} scores; greedy needs one for each of ${models} models`,
    };
  }
  if (measure !== "interpolation") return;
  if (pairs === undefined || pairs.length === 0) {
    yield { field: "recipe.parameters.pairs", description: "is empty; interpolation needs at least one pair of models" };
  }
  for (const [position, [i, j]] of (pairs ?? []).entries()) {
    if (i < models && j < models && i !== j) continue;
    yield {
      field: `recipe.parameters.pairs[${position}]`,
      description: `is [${i}, ${j}]; a pair names two different models out of 0 to ${models - 1}`,
    };
  }
}

function* checkArithmetic(recipe: Recipe): Generator<Violation> {
  if (backendOf(recipe.arithmetic) === undefined) {
    yield { field: "recipe.arithmetic", description: `is ${recipe.arithmetic}, which this version cannot compute` };
  }
}
