const BROKEN =
  /^Received RST_STREAM with code \d+ triggered by internal client error: .*(?:EPIPE|socket has been ended by the other party)/;

/**
 * Whether a call failed because the other end has cut the connection while something was written: it may be made again. grpc-js takes only
 * ECONNRESET and ETIMEDOUT for what it is, and calls the rest INTERNAL. Runtimes word the error of one code, EPIPE, in two ways (`write` and
 * `writeAfterFIN` in Node's net.js).
 * @param details the text of the status
 * @example
 * ```ts
 * isCutWhileWriting("Received RST_STREAM with code 2 triggered by internal client error: write EPIPE"); // true
 * isCutWhileWriting("the step has failed: EPIPE"); // false
 * ```
 */
export function isCutWhileWriting(details: string): boolean {
  return BROKEN.test(details);
}
