import type { IncomingMessage } from "node:http";
import { Code, isRpcError, tokenCheck } from "#libs/rpc";
import { HttpError } from "./errors.ts";

/** What a caller without the token is asked for: `Bearer`, or `Basic` for clients that know only names and passwords. */
export type HttpChallenge = "Bearer" | "Basic";

/**
 * The token of an `Authorization` header: of `Bearer TOKEN`, or the password of `Basic`, whoever the user is.
 * @example
 * ```ts
 * tokenOf("Bearer abc"); // "abc"
 * tokenOf(`Basic ${btoa("anybody:abc")}`); // "abc"
 * tokenOf(undefined); // undefined
 * ```
 */
export function tokenOf(authorization: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization ?? "") ?? [];
  if (scheme.toLowerCase() !== "basic") return value || undefined;
  return /^[^:]*:(.+)$/.exec(Buffer.from(value, "base64").toString("utf8"))?.[1];
}

/** A check of the token of a request, by the rules of libs/rpc. Throws HttpError 401 with the challenge. */
export function requestCheck(token: string | undefined, challenge: HttpChallenge): (request: IncomingMessage) => void {
  const check = tokenCheck(token);
  const headers = { "www-authenticate": `${challenge} realm="ratatouille"` };
  return ({ headers: { authorization } }) => {
    const given = tokenOf(authorization);
    try {
      check(new Map(given === undefined ? [] : [["authorization", `Bearer ${given}`]]));
    } catch (error) {
      if (!isRpcError(error, Code.UNAUTHENTICATED)) throw error;
      throw new HttpError(401, error.message, { code: error.code, reason: error.reason, headers });
    }
  };
}
