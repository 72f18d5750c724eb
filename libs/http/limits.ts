/** What a client may take of a server. Times in milliseconds. */
export type HttpLimits = {
  /** Of the request line and all headers together, in bytes; 431 beyond. */
  readonly headerBytes: number;
  /** From the first byte of a connection, or of a further request on it, to the end of its headers; 408 beyond. */
  readonly headersMs: number;
  /** Between two requests of a connection; it is closed then. */
  readonly idleMs: number;
  /** A request whose body, or an answer whose reader, stands still for so long is cut off. */
  readonly stallMs: number;
  /** A body that says that it is larger is refused with 413 before it is read. One that does not say: see `limitedBody`. */
  readonly bodyBytes: number;
};

/** The limits of a server that has none of its own. */
export const httpLimits: HttpLimits = {
  headerBytes: 16 << 10,
  headersMs: 10_000,
  idleMs: 60_000,
  stallMs: 60_000,
  bodyBytes: Number.POSITIVE_INFINITY,
};
