import {
  aborted,
  alreadyExists,
  deadlineExceeded,
  failedPrecondition,
  invalidArgument,
  notFound,
  permissionDenied,
  type RpcError,
  type RpcErrorDetails,
  resourceExhausted,
  unauthenticated,
} from "#libs/rpc";

const factories = {
  SESSION_INVALID: invalidArgument,
  SESSION_NOT_FOUND: notFound,
  SESSION_OVER: failedPrecondition,
  SECRET_MISSING: unauthenticated,
  SECRET_WRONG: permissionDenied,
  SESSION_QUOTA: resourceExhausted,
  STREAM_QUOTA: resourceExhausted,
  STAGING_QUOTA: resourceExhausted,
  CONTRIBUTION_QUOTA: resourceExhausted,
  CONTRIBUTOR_QUOTA: resourceExhausted,
  NO_SPACE: resourceExhausted,
  CONTRIBUTION_INVALID: invalidArgument,
  CONTRIBUTION_MISMATCH: invalidArgument,
  CHUNK_DAMAGED: invalidArgument,
  LAYOUT_MISMATCH: invalidArgument,
  NOT_FINITE: invalidArgument,
  CONTRIBUTOR_COUNTED: alreadyExists,
  CONTRIBUTOR_UNKNOWN: permissionDenied,
  CONTRIBUTION_NOT_FOUND: notFound,
  BYTES_NEEDED: failedPrecondition,
  INCOMPLETE: aborted,
  TAKEN_OVER: aborted,
  STALLED: deadlineExceeded,
  NOTHING_COMMITTED: failedPrecondition,
  NO_WEIGHT: failedPrecondition,
  AVERAGE_NOT_FINITE: failedPrecondition,
} as const satisfies Record<string, (message: string, details: RpcErrorDetails) => RpcError>;

/** Why a session says no. Each has its gRPC code. */
export type SessionErrorReason = keyof typeof factories;

/**
 * An expected refusal, as its caller gets it.
 * @param field path of the field of the request that is wrong, or of the setting that is exhausted.
 */
export function refuse(reason: SessionErrorReason, message: string, { field, cause }: { field?: string; cause?: unknown } = {}): RpcError {
  const violations = field === undefined ? [] : [{ field, description: message }];
  return factories[reason](message, { reason, violations, cause });
}

/** A limit that is reached: which one, and what it is. */
export function exhausted(
  reason: "SESSION_QUOTA" | "STREAM_QUOTA" | "STAGING_QUOTA" | "CONTRIBUTION_QUOTA" | "CONTRIBUTOR_QUOTA",
  field: string,
  limit: number,
  message: string,
): RpcError {
  const metadata = { field, limit: String(limit) };
  return resourceExhausted(message, { reason, metadata, violations: [{ field, description: message }] });
}

/** A chunk whose bytes do not have the sum that came with them: they were damaged on the way. */
export class DamagedChunkError extends Error {
  override readonly name = "DamagedChunkError";
  /** Where it begins in its file. */
  readonly at: number;
  readonly kind: "crc32" | "crc32c";
  readonly is: number;
  readonly said: number;
  constructor(at: number, kind: DamagedChunkError["kind"], is: number, said: number) {
    const [has, announced] = [is, said].map((sum) => sum.toString(16).padStart(8, "0"));
    super(`the chunk at byte ${at} has the ${kind} ${has}, announced was ${announced}; send it again`);
    this.at = at;
    this.kind = kind;
    this.is = is;
    this.said = said;
  }
}

/** What of a contribution was found to be wrong. Nothing is kept of it. */
export class ContributionError extends Error {
  override readonly name = "ContributionError";
  readonly reason: "CONTRIBUTION_INVALID" | "CONTRIBUTION_MISMATCH" | "LAYOUT_MISMATCH" | "NOT_FINITE";
  readonly field: string;
  constructor(reason: ContributionError["reason"], field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.field = field;
  }
}
