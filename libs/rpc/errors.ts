import type { Any } from "@bufbuild/protobuf/wkt";
import { Code, codeName } from "./code.ts";

/** Who gives the reasons of our errors their meaning. */
const DOMAIN = "ratatouille";

/** One wrong field of a request. `field` is a path such as `recipes[2].seed`. */
export type FieldViolation = { readonly field: string; readonly description: string };

/** What an error carries besides its code and message. */
export type RpcErrorDetails = {
  /** UPPER_SNAKE_CASE, for programs. The name of the code unless given. */
  reason?: string | undefined;
  /** Facts for programs, for example `{ missing: "sha256:…" }`. */
  metadata?: Readonly<Record<string, string>> | undefined;
  violations?: readonly FieldViolation[] | undefined;
  /** Whose reason it is, of an error that is passed on; ours unless given. */
  domain?: string | undefined;
  /** Details of other kinds, of an error that is passed on. */
  details?: readonly Any[] | undefined;
  /** Stays on this side of the wire. */
  cause?: unknown;
};

/**
 * An expected error of a call, on both sides. Its message is for the caller.
 * On the wire it is a google.rpc.Status with ErrorInfo (domain "ratatouille") and, if fields are wrong, BadRequest. Texts and lists may be of
 * any length and hold what was sent: `toWireStatus` makes them printable and cuts them to what every client takes.
 */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: Code;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly domain: string;
  readonly details: readonly Any[];

  constructor(code: Code, message: string, details: RpcErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = details.reason ?? codeName(code);
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.domain = details.domain ?? DOMAIN;
    this.details = details.details ?? [];
  }
}

/**
 * True for an RpcError, and, where given, only with this code and this reason.
 * @example
 * ```ts
 * const error = notFound("there is no run night", { reason: "NO_RUN" });
 * isRpcError(error, Code.NOT_FOUND, "NO_RUN"); // true
 * isRpcError(error, Code.UNAVAILABLE); // false
 * ```
 */
export function isRpcError(error: unknown, code?: Code, reason?: string): error is RpcError {
  return error instanceof RpcError && (code === undefined || error.code === code) && (reason === undefined || error.reason === reason);
}

type ErrorFactory = (message: string, details?: RpcErrorDetails) => RpcError;

const factory =
  (code: Code): ErrorFactory =>
  (message, details) =>
    new RpcError(code, message, details);

/** The caller sent something wrong, whatever the state of the system. */
export const invalidArgument: ErrorFactory = factory(Code.INVALID_ARGUMENT);
/** What was asked for is not there. */
export const notFound: ErrorFactory = factory(Code.NOT_FOUND);
/** What was to be made is there, and it is another thing. */
export const alreadyExists: ErrorFactory = factory(Code.ALREADY_EXISTS);
/** The system is not in the state that the call needs; trying again alone does not help. */
export const failedPrecondition: ErrorFactory = factory(Code.FAILED_PRECONDITION);
/** Somebody else was first, for example a compare-and-set that failed. */
export const aborted: ErrorFactory = factory(Code.ABORTED);
/** The caller, or somebody in its name, gave up. */
export const cancelled: ErrorFactory = factory(Code.CANCELLED);
/** Not reachable or shutting down; trying again may help. */
export const unavailable: ErrorFactory = factory(Code.UNAVAILABLE);
/** Disk, memory, message size or quota. */
export const resourceExhausted: ErrorFactory = factory(Code.RESOURCE_EXHAUSTED);
/** Stored data is damaged. */
export const dataLoss: ErrorFactory = factory(Code.DATA_LOSS);
/** The server does not know the method. */
export const unimplemented: ErrorFactory = factory(Code.UNIMPLEMENTED);
/** The time was over first. */
export const deadlineExceeded: ErrorFactory = factory(Code.DEADLINE_EXCEEDED);
/** No token, or a wrong one. */
export const unauthenticated: ErrorFactory = factory(Code.UNAUTHENTICATED);
/** The caller is known and may not do this. */
export const permissionDenied: ErrorFactory = factory(Code.PERMISSION_DENIED);
/** A bug or a broken peer. */
export const internal: ErrorFactory = factory(Code.INTERNAL);

/** The error for an abort reason: an RpcError stays what it is, a timeout is DEADLINE_EXCEEDED, the rest CANCELLED. */
export function abortError(reason: unknown): RpcError {
  if (reason instanceof RpcError) return reason;
  if (reason instanceof Error && reason.name === "TimeoutError") return deadlineExceeded("the time allowed is over", { cause: reason });
  return cancelled("the call was cancelled", { cause: reason });
}

/** True for what Node, the web APIs and `signal.throwIfAborted()` throw when a signal fires. */
export function isAbort(error: unknown): error is Error {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}
