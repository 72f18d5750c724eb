import { Code, codeName, isRpcError, RpcError } from "#libs/rpc";
import { RunFileError } from "#libs/runfile";
import { UsageError } from "#libs/service/process";
import { fewLines } from "#libs/text";

/** What a person reads when a command fails: one sentence, or one for each mistake in a run file. */
export function explain(error: unknown): string {
  if (error instanceof RpcError) return explainRpc(error);
  if (error instanceof RunFileError || error instanceof UsageError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error is about what was asked for on the command line: also what a server refuses to understand. */
export function isUsage(error: unknown): boolean {
  return error instanceof UsageError || error instanceof RunFileError || isRpcError(error, Code.INVALID_ARGUMENT);
}

function explainRpc(error: RpcError): string {
  const violations = error.violations.map(({ field, description }) => `  ${field}: ${description}`);
  if (violations.length > 1) return [error.message, ...fewLines(violations)].join("\n");
  // A code that says more than the sentence: without it "not found" reads like a bug.
  return error.code === Code.INTERNAL || error.code === Code.UNKNOWN ? `${codeName(error.code)}: ${error.message}` : error.message;
}
