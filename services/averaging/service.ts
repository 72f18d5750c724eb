import { failedPrecondition, type Implementation, invalidArgument, type RpcError } from "#libs/rpc";
import type { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { Averager } from "./averager.ts";
import { IncompatibleModelsError, InvalidAverageError, NotFiniteError, type Violation } from "./errors.ts";
import { methodMessage } from "./method-messages.ts";
import { recipeMethods } from "./methods.ts";
import { readRequest } from "./read-request.ts";

/** AveragingService over an averager: messages to recipes, errors to codes. */
export function createAveragingService(averager: Averager): Pick<Implementation<typeof AveragingService>, "average" | "listMethods"> {
  return {
    async *average(request, { signal }) {
      const { reproduce, allowUnrelated } = request;
      const { recipe, fieldOf } = asked(() => readRequest(request));
      const work = averager.average(recipe, { reproduce, allowUnrelated, signal });
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
        throw toRpcError(error, fieldOf);
      } finally {
        await work.return(undefined as never);
      }
    },
    async listMethods() {
      return { methods: recipeMethods.map(methodMessage) };
    },
  };
}

function asked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw toRpcError(error, (field) => field);
  }
}

function toRpcError(error: unknown, fieldOf: (path: string) => string): unknown {
  if (error instanceof InvalidAverageError) {
    const violations = error.violations.map(({ field, description }) => ({ field: fieldOf(field), description }));
    return invalid(violations, error);
  }
  if (error instanceof IncompatibleModelsError) return failedPrecondition(error.message, { reason: "INCOMPATIBLE_MODELS", cause: error });
  if (error instanceof NotFiniteError) return failedPrecondition(error.message, { reason: "NOT_FINITE", cause: error });
  return error;
}

function invalid(violations: readonly Violation[], cause: Error): RpcError {
  const message = violations.map(({ field, description }) => `${field} ${description}`).join("; ");
  return invalidArgument(message, { reason: "AVERAGE_INVALID", violations, cause });
}
