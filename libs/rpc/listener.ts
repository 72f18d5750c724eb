import { createHash, timingSafeEqual } from "node:crypto";
import { ServerCredentials } from "@grpc/grpc-js";
import { failedPrecondition, invalidArgument, type RpcError, unauthenticated } from "./errors.ts";

/** PEM texts of a server. */
export type ServerTls = {
  /** Certificate chain. */
  certificate: string | Uint8Array;
  key: string | Uint8Array;
  /** If set, clients need a certificate of this authority. */
  clientCa?: string | Uint8Array | undefined;
};

/**
 * The host of `host:port`, without the brackets of an IPv6 address.
 * @example
 * ```ts
 * hostOf("[::1]:7437"); // "::1"
 * ```
 */
export function hostOf(address: string): string {
  return address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

/**
 * True for addresses that only this machine reaches: 127.0.0.0/8, ::1, localhost, unix sockets.
 * @example
 * ```ts
 * isLoopback("127.0.0.1:7437"); // true
 * isLoopback("0.0.0.0:7437"); // false
 * ```
 */
export function isLoopback(address: string): boolean {
  if (address.startsWith("unix:")) return true;
  const host = hostOf(address);
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** Throws unless the address is `host:port`, `[ipv6]:port` or `unix:/path`. */
export function checkAddress(address: string): void {
  if (/^unix:\/./.test(address)) return;
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(address);
  if (match === null || Number(match[2]) > 65535) {
    throw invalidArgument(`"${address}" is not an address; expected host:port, for example 127.0.0.1:7070`, { reason: "BAD_ADDRESS" });
  }
}

/** Throws unless the listener is safe: loopback, or TLS and a token, or `insecure` said aloud. */
export function checkListener(options: {
  address: string;
  tls?: unknown;
  token?: string | undefined;
  insecure?: boolean | undefined;
}): void {
  checkAddress(options.address);
  if (options.token === "") throw invalidArgument("the token is empty", { reason: "EMPTY_TOKEN" });
  if (options.insecure === true || isLoopback(options.address)) return;
  const missing = [...(options.tls === undefined ? ["TLS"] : []), ...(options.token === undefined ? ["a token"] : [])];
  if (missing.length === 0) return;
  throw invalidArgument(
    `${options.address} can be reached from other machines, so it needs ${missing.join(" and ")} (or insecure, if the network is trusted)`,
    { reason: "INSECURE_ADDRESS" },
  );
}

/** Why nothing can listen on an address: FAILED_PRECONDITION (ADDRESS_IN_USE, LISTEN_FAILED). */
export function listenFailure(address: string, cause: NodeJS.ErrnoException): RpcError {
  const inUse = cause.code === "EADDRINUSE" || /EADDRINUSE|address already in use/i.test(cause.message);
  const message = inUse ? `${address} is in use by another program` : `cannot listen on ${address}: ${cause.message}`;
  return failedPrecondition(message, { reason: inUse ? "ADDRESS_IN_USE" : "LISTEN_FAILED", metadata: { address }, cause });
}

/** The credentials of grpc-js for a listener. */
export function serverCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) };
  // Without client certificates the authority has no effect, but without an authority Deno's listener does not speak TLS.
  const authority = Buffer.from(tls.clientCa ?? tls.certificate);
  return ServerCredentials.createSsl(authority, [pair], tls.clientCa !== undefined);
}

/** A check of the bearer token of a call, in constant time. Without a token every call passes. */
export function tokenCheck(token: string | undefined): (metadata: ReadonlyMap<string, string>) => void {
  if (token === undefined) return () => {};
  const expected = digest(token);
  return (metadata) => {
    const given = /^Bearer (.+)$/i.exec(metadata.get("authorization") ?? "")?.[1];
    if (given === undefined) throw unauthenticated("this server needs a token", { reason: "TOKEN_MISSING" });
    if (!timingSafeEqual(digest(given), expected)) throw unauthenticated("the token is wrong", { reason: "TOKEN_WRONG" });
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
