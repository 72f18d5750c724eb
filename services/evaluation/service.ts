import { parseRecipe, type Recipe, RecipeError } from "#libs/recipes";
import { type Implementation, invalidArgument } from "#libs/rpc";
import type { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { InvalidEvaluationError, type Violation } from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";

/** EvaluationService over an evaluator: messages to recipes, errors to codes. */
export function createEvaluationService(evaluator: Evaluator): Implementation<typeof EvaluationService> {
  return {
    async evaluate(request, context) {
      try {
        return await evaluator.evaluate(readRecipe(request.recipe), { reproduce: request.reproduce, signal: context.signal });
      } catch (error) {
        if (error instanceof InvalidEvaluationError) throw invalid(error.violations, error);
        throw error;
      }
    },
  };
}

function readRecipe(text: string): Recipe {
  try {
    return parseRecipe(text);
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    const field = error.field === "recipe" ? "recipe" : `recipe.${error.field}`;
    throw invalid([{ field, description: error.message.slice(error.field.length + 2) }], error);
  }
}

function invalid(violations: readonly Violation[], cause: Error) {
  const message = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  return invalidArgument(message, { reason: "EVALUATION_INVALID", violations: [...violations], cause });
}
