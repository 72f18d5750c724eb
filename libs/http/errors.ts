import { Code, RpcError } from "#libs/rpc";

/** An expected error of a request, where no code of gRPC has the status, or headers belong to the answer. Its message is for the caller. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  /** The code of gRPC that is closest. */
  readonly code: Code;
  /** UPPER_SNAKE_CASE, for programs. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, details: { code: Code; reason: string; headers?: Readonly<Record<string, string>> }) {
    super(message);
    this.status = status;
    this.code = details.code;
    this.reason = details.reason;
    this.headers = details.headers ?? {};
  }
}

const statuses: { readonly [C in Code]: number } = {
  [Code.OK]: 200,
  [Code.CANCELLED]: 499,
  [Code.UNKNOWN]: 500,
  [Code.INVALID_ARGUMENT]: 400,
  [Code.DEADLINE_EXCEEDED]: 504,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.PERMISSION_DENIED]: 403,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.ABORTED]: 409,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNIMPLEMENTED]: 501,
  [Code.INTERNAL]: 500,
  [Code.UNAVAILABLE]: 503,
  [Code.DATA_LOSS]: 500,
  [Code.UNAUTHENTICATED]: 401,
};

/**
 * The status of HTTP that stands for a code of gRPC, as https://connectrpc.com/docs/protocol#error-codes has them.
 * @example
 * ```ts
 * httpStatus(5); // 404
 * ```
 */
export function httpStatus(code: Code): number {
  return statuses[code];
}

/** The error that a caller may see of what a handler threw; undefined for a bug. */
export function toHttpError(thrown: unknown): HttpError | undefined {
  if (thrown instanceof HttpError) return thrown;
  if (!(thrown instanceof RpcError)) return undefined;
  return new HttpError(httpStatus(thrown.code), thrown.message, { code: thrown.code, reason: thrown.reason });
}
