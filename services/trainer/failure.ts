import { Code, RpcError } from "#libs/rpc";

/** The reason of an aborted attempt whose job is no longer ours: another attempt has it, or nobody needs it. */
export class LostAttempt extends Error {
  override readonly name = "LostAttempt";
}

/** Codes of errors that pass, or that have their cause outside of the job. */
const passing: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.CANCELLED,
  Code.INTERNAL,
  Code.UNKNOWN,
]);

/**
 * True where trying the job again cannot help: whatever is computed from the recipe and its inputs fails the same way every time,
 * and so does an input that is missing or damaged.
 */
export function isPermanent(error: unknown): boolean {
  return !(error instanceof RpcError && passing.has(error.code));
}

/** What people read about a failed attempt. */
export function failureSentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
