import { type Implementation, invalidArgument } from "#libs/rpc";
import type { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { InvalidEvaluationError, type Violation } from "./errors.ts";
import type { Evaluator } from "./evaluator.ts";
import { readRequest } from "./read-request.ts";
import { measuredMessage } from "./result-messages.ts";

/** EvaluationService over an evaluator: messages to recipes, errors to codes. */
export function createEvaluationService(evaluator: Evaluator): Implementation<typeof EvaluationService> {
  return {
    async evaluate(request, { signal }) {
      const { recipe, fieldOf } = await answered(
        async () => readRequest(request),
        (field) => field,
      );
      return answered(async () => {
        const found = await evaluator.evaluate(recipe, { reproduce: request.reproduce, signal });
        const measured = measuredMessage(recipe.kind, found.result);
        return { ...found, ...(measured === undefined ? {} : { measured }) };
      }, fieldOf);
    },
  };
}

async function answered<T>(work: () => Promise<T>, fieldOf: (path: string) => string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InvalidEvaluationError)) throw error;
    throw invalid(
      error.violations.map(({ field, description }) => ({ field: fieldOf(field), description })),
      error,
    );
  }
}

function invalid(violations: readonly Violation[], cause: Error) {
  const message = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  return invalidArgument(message, { reason: "EVALUATION_INVALID", violations: [...violations], cause });
}
