import { excerpt } from "#libs/text";
import { invalidArgument, type RpcError } from "./errors.ts";

/** The reason of errors about a field of a request, unless a service has one of its own. */
const INVALID_FIELD = "INVALID_FIELD";

/**
 * The error for one wrong field: INVALID_ARGUMENT with a violation. Say which value came by `quote`.
 * @example
 * ```ts
 * const { message, violations } = invalidField("seed", "expected at least 0, got -1");
 * message; // "seed: expected at least 0, got -1"
 * violations; // [{ field: "seed", description: "expected at least 0, got -1" }]
 * ```
 */
export function invalidField(field: string, description: string, reason: string = INVALID_FIELD): RpcError {
  return invalidArgument(`${field}: ${description}`, { reason, violations: [{ field, description }] });
}

/**
 * A text of 1 to `limit` UTF-16 units that can be stored, logged and shown: well-formed Unicode on one line, without control characters.
 * @throws RpcError INVALID_ARGUMENT
 * @example
 * ```ts
 * parseText("run_id", "run-1", 200); // "run-1"
 * ```
 */
export function parseText(field: string, text: string, limit: number, reason?: string): string {
  if (text.length < 1 || text.length > limit) throw invalidField(field, `expected 1 to ${limit} characters, got ${text.length}`, reason);
  const shown = excerpt(text, limit);
  if (text === shown) return text;
  throw invalidField(field, `expected one line without control characters, got ${JSON.stringify(excerpt(text))}`, reason);
}

/**
 * A number of bytes, seconds and the like: whole, at least 0, and exact as a number of JavaScript.
 * @throws RpcError INVALID_ARGUMENT
 * @example
 * ```ts
 * parseAmount("header.size_bytes", 1_048_576n); // 1048576
 * ```
 */
export function parseAmount(field: string, value: bigint | number, reason?: string): number {
  const amount = Number(value);
  if (Number.isInteger(amount) && amount >= 0 && value <= Number.MAX_SAFE_INTEGER) return amount;
  throw invalidField(field, `expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${value}`, reason);
}
