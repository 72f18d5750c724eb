import { Code, codeName, RpcError } from "#libs/rpc";
import { RunFileError } from "#libs/runfile";
import { UsageError } from "#libs/service";

/** What a person reads when a command fails: one sentence, or one for each mistake in a run file. */
export function explain(error: unknown): string {
  if (error instanceof RpcError) return explainRpc(error);
  if (error instanceof RunFileError || error instanceof UsageError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Why a file could not be read, without the name of the file, which the sentence around it has. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "it does not exist";
    case "EISDIR":
      return "it is a directory";
    case "EACCES":
      return "this user may not read it";
    default:
      return message;
  }
}

function explainRpc(error: RpcError): string {
  const violations = error.violations.map(({ field, description }) => `  ${field}: ${description}`);
  if (violations.length > 1) return [error.message, ...violations].join("\n");
  // A code that says more than the sentence: without it "not found" reads like a bug.
  return error.code === Code.INTERNAL || error.code === Code.UNKNOWN ? `${codeName(error.code)}: ${error.message}` : error.message;
}
