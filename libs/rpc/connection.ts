import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { type ChannelCredentials, type Client, credentials } from "@grpc/grpc-js";
import { Code } from "./code.ts";
import { identity, MAX_MESSAGE_BYTES } from "./codec.ts";
import { RpcError, unavailable } from "./errors.ts";
import { KEEPALIVE_MS, WINDOW_BYTES } from "./flow-control.ts";
import { hostOf, isLoopback } from "./listener.ts";

/** PEM texts of a client. */
export type ClientTls = {
  /** Authorities to trust; those of the system unless given. */
  ca?: string | Uint8Array | undefined;
  /** Certificate and key, where the server asks for them. */
  certificate?: string | Uint8Array | undefined;
  key?: string | Uint8Array | undefined;
  /** The name in the server's certificate, where it is not the host of the address. */
  serverName?: string | undefined;
};

export type ConnectOptions = {
  tls?: ClientTls | undefined;
  /** Bearer token sent with every call. */
  token?: string | undefined;
  /** Allows sending the token without TLS to an address other than loopback. */
  insecure?: boolean | undefined;
  /** Time for a unary call without one of its own, in milliseconds. 30 s by default. */
  timeoutMs?: number | undefined;
  /** Silence in milliseconds after which, during calls, the server is asked whether it lives; it has as long to answer. 30 s by default. */
  keepaliveMs?: number | undefined;
};

/** The credentials of grpc-js for a channel. */
export function channelCredentials(address: string, tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const bytes = (pem: string | Uint8Array | undefined) => (pem === undefined ? null : Buffer.from(pem));
  const name = tls.serverName ?? hostOf(address);
  // grpc-js would ask TLS for the server by IP address, which Bun and Deno refuse (RFC 6066 allows names only). So it is given a
  // name that nobody has, see channelOptions, and the certificate is checked for the address here.
  const verify =
    isIP(name) === 0 ? {} : { checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate) };
  return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.certificate), verify);
}

/** The options of grpc-js for a channel. */
export function channelOptions(address: string, { tls, keepaliveMs = KEEPALIVE_MS }: ConnectOptions): Record<string, string | number> {
  const serverName = tls?.serverName ?? (tls !== undefined && isIP(hostOf(address)) !== 0 ? "address.invalid" : undefined);
  return {
    "grpc-node.flow_control_window": WINDOW_BYTES,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // A connection of its own, which close() closes; the shared pool keeps connections for whoever comes next.
    "grpc.use_local_subchannel_pool": 1,
    // Retries are ours, by the method's idempotency level; a resolver must not bring its own.
    "grpc.service_config_disable_resolution": 1,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": keepaliveMs,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    ...(isLoopback(address) ? { "grpc.enable_http_proxy": 0 } : {}),
    ...(serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
  };
}

/** Waits until connected; see `RpcChannel.ready`. */
export async function waitForReady(client: Client, address: string, timeoutMs: number, closed: AbortSignal): Promise<void> {
  if (closed.aborted) throw closed.reason;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = () => reject(closed.reason);
  closed.addEventListener("abort", onClose);
  client.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
  try {
    await promise;
  } catch (error) {
    if (error instanceof RpcError) throw error;
    const message = `no connection to ${address} within ${timeoutMs} ms: ${await lastReason(client)}`;
    throw unavailable(message, { reason: "NOT_CONNECTED", metadata: { address }, cause: error });
  } finally {
    closed.removeEventListener("abort", onClose);
  }
}

/** Why the last attempt to connect failed. grpc-js tells only those who call. */
function lastReason(client: Client): Promise<string> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 50 };
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", identity, identity, Buffer.alloc(0), options, (error) => {
      resolve(error?.code === Code.UNAVAILABLE ? connectionReason(error.details) : "it does not answer");
    });
  });
}

/** The reason in what grpc-js says of a connection that failed, without its wrapping and its date. */
export function connectionReason(details: string): string {
  const reason = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\.?(?: Resolution note: ?.*)?$/s.exec(details)?.[1];
  return reason || details;
}
