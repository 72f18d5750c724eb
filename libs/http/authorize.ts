import type { IncomingMessage } from "node:http";
import { Code, isLoopback, isRpcError, tokenCheck } from "#libs/rpc";
import { excerpt } from "#libs/text";
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

/**
 * A check that a request names this machine as its host, for servers that only this machine reaches and that ask for no token: a page of
 * somebody else whose name is made to lead here (DNS rebinding) would be answered otherwise. Throws HttpError 403.
 */
export function hostCheck(address: string, token: string | undefined): (request: IncomingMessage) => void {
  if (token !== undefined || !isLoopback(address) || address.startsWith("unix:")) return () => undefined;
  return ({ headers: { host } }) => {
    if (host === undefined || isLoopback(host)) return;
    const message = `the host is ${excerpt(host, 100)}; without a token this server answers to localhost, 127.0.0.1 and [::1] alone`;
    throw new HttpError(403, message, { code: Code.PERMISSION_DENIED, reason: "HOST_REFUSED" });
  };
}
