import * as v from "valibot";
import { arithmetics, inputsOf, type Json, type MeasureParameters, type Recipe } from "#libs/recipes";
import { didYouMean, quote } from "#libs/text";
import { InvalidEvaluationError, type Violation } from "../errors.ts";
import type { Measure } from "./measure.ts";
import { measures } from "./measures.ts";

/** They are read together, and their sums kept. */
const MOST_PREDICTIONS = 1000;

/** A measure and what its recipe says of it. */
export type Checked = { readonly name: string; readonly measure: Measure; readonly options: { readonly [name: string]: Json } };

/**
 * Checks what a recipe of kind `measure` says against what its measure needs, before anything is loaded.
 * Throws InvalidEvaluationError with all violations.
 */
export function checkMeasure(recipe: Recipe): Checked {
  const { measure: name, options = {} } = recipe.parameters as MeasureParameters;
  const measure = measures.get(name);
  const violations = [...checkArithmetic(recipe), ...(measure ? checkFor(measure, recipe, name) : [unknownMeasure(name)])];
  if (violations.length > 0 || !measure) throw new InvalidEvaluationError(violations);
  return { name, measure, options: options as { readonly [name: string]: Json } };
}

function unknownMeasure(name: string): Violation {
  const names = [...measures.keys()];
  const help = didYouMean(name, names, `it computes ${names.join(", ")}`);
  const description = `is ${quote(name)}, which this service cannot compute; ${help}`;
  return { field: "recipe.parameters.measure", description };
}

function* checkFor(measure: Measure, recipe: Recipe, name: string): Generator<Violation> {
  const count = inputsOf(recipe, "predictions").length;
  const field = "recipe.inputs.predictions";
  if (count < measure.fewest) yield { field, description: `has ${count} prediction; ${name} compares at least ${measure.fewest}` };
  if (count > MOST_PREDICTIONS) yield { field, description: `are ${count}; at most ${MOST_PREDICTIONS} are measured at once` };
  const { options } = recipe.parameters as MeasureParameters;
  if (options === undefined) return;
  if (!measure.options) {
    yield { field: "recipe.parameters.options", description: `has no place: ${name} has no options` };
    return;
  }
  for (const issue of v.safeParse(measure.options, options).issues ?? []) {
    const path = v.getDotPath(issue);
    const unknown = issue.type === "strict_object" && issue.expected === "never";
    const description = unknown ? `is no option of ${name}` : issue.message.replace(/^Invalid [a-z ]+: Expected/, "expected");
    yield { field: `recipe.parameters.options${path === null ? "" : `.${path}`}`, description };
  }
}

function* checkArithmetic({ arithmetic }: Recipe): Generator<Violation> {
  if (arithmetic === arithmetics.measuring) return;
  yield { field: "recipe.arithmetic", description: `is ${quote(arithmetic ?? "")}; this service computes ${arithmetics.measuring}` };
}
