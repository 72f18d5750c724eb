/** The status codes of gRPC. See https://grpc.io/docs/guides/status-codes/. */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** One of the status codes of gRPC. */
export type Code = (typeof Code)[keyof typeof Code];

const names = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/**
 * The name of a code, for example `NOT_FOUND`. A number that is no code is `UNKNOWN`.
 * @example
 * ```ts
 * codeName(5); // "NOT_FOUND"
 * codeName(99); // "UNKNOWN"
 * ```
 */
export function codeName(code: number): string {
  return names.get(code) ?? "UNKNOWN";
}

/** The code of a number from the wire. A number that is no code is UNKNOWN. */
export function toCode(code: number): Code {
  return names.has(code) ? (code as Code) : Code.UNKNOWN;
}
