import { parseRecipe, type Recipe, RecipeError } from "#libs/recipes";
import { failedPrecondition, type Implementation, invalidArgument, type RpcError } from "#libs/rpc";
import type { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { Averager } from "./averager.ts";
import { IncompatibleModelsError, InvalidAverageError, NotFiniteError, type Violation } from "./errors.ts";

/** AveragingService over an averager: messages to recipes, errors to codes. */
export function createAveragingService(averager: Averager): Pick<Implementation<typeof AveragingService>, "average"> {
  return {
    async *average({ recipe, reproduce, allowUnrelated }, { signal }) {
      const work = averager.average(readRecipe(recipe), { reproduce, allowUnrelated, signal });
      try {
        for (;;) {
          const { done, value } = await work.next();
          if (done) {
            yield { event: { case: "artifact", value } };
            return;
          }
          yield { event: { case: "progress", value: { readBytes: BigInt(value.readBytes), totalBytes: BigInt(value.totalBytes) } } };
        }
      } catch (error) {
        throw toRpcError(error);
      } finally {
        await work.return(undefined as never);
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

function toRpcError(error: unknown): unknown {
  if (error instanceof InvalidAverageError) return invalid(error.violations, error);
  if (error instanceof IncompatibleModelsError) return failedPrecondition(error.message, { reason: "INCOMPATIBLE_MODELS", cause: error });
  if (error instanceof NotFiniteError) return failedPrecondition(error.message, { reason: "NOT_FINITE", cause: error });
  return error;
}

function invalid(violations: readonly Violation[], cause: Error): RpcError {
  const message = violations.map(({ field, description }) => `${field} ${description}`).join("; ");
  return invalidArgument(message, { reason: "AVERAGE_INVALID", violations, cause });
}
