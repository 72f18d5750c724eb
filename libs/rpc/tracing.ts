import { randomBytes } from "node:crypto";
import type { Metadata } from "@grpc/grpc-js";
import { type Context, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { Code, codeName } from "./code.ts";
import type { RpcError } from "./errors.ts";
import { timeCall } from "./metrics.ts";

/** A span of one call, and the context in which its work runs. Its duration is measured too. */
export type CallSpan = { readonly context: Context; end(error?: RpcError): void };

const tracer = () => trace.getTracer("ratatouille.rpc");

/**
 * Says in the metadata of an outgoing call that nobody records it: a trace of its own whose flags say so (W3C trace context, "sampled").
 * Works in threads that have no tracing, too.
 */
export function leaveUntraced(metadata: Metadata, parent: Context): CallSpan {
  const [traceId, spanId] = [randomBytes(16), randomBytes(8)].map((bytes) => bytes.toString("hex"));
  metadata.set("traceparent", `00-${traceId}-${spanId}-00`);
  return { context: parent, end: () => {} };
}

/** Starts the span of an outgoing call under `parent` and writes the trace context into the metadata. */
export function startClientSpan(method: string, address: string, metadata: Metadata, parent: Context): CallSpan {
  // Not traced at either end: whoever looks after a service asks for its health every second.
  if (method.startsWith("grpc.")) return { context: parent, end: () => {} };
  const [host, port] = splitAddress(address);
  const attributes = {
    "rpc.system.name": "grpc",
    "rpc.method": method,
    "server.address": host,
    ...(port === undefined ? {} : { "server.port": port }),
  };
  const span = tracer().startSpan(method, { kind: SpanKind.CLIENT, attributes }, parent);
  const active = trace.setSpan(parent, span);
  propagation.inject(active, metadata, { set: (carrier, key, value) => carrier.set(key, value) });
  const measured = timeCall("client", method);
  return {
    context: active,
    end(error) {
      measured(error?.code ?? Code.OK);
      endSpan(span, error, error !== undefined);
    },
  };
}

/** Starts the span of an incoming call under the trace context of its metadata. */
export function startServerSpan(method: string, peer: string, metadata: Metadata): CallSpan {
  const parent = propagation.extract(context.active(), metadata, {
    get: (carrier, key) => carrier.get(key)[0]?.toString(),
    keys: (carrier) => Object.keys(carrier.getMap()),
  });
  const [host] = splitAddress(peer);
  const span = tracer().startSpan(
    method,
    { kind: SpanKind.SERVER, attributes: { "rpc.system.name": "grpc", "rpc.method": method, "client.address": host } },
    parent,
  );
  const measured = timeCall("server", method);
  return {
    context: trace.setSpan(parent, span),
    end(error) {
      measured(error?.code ?? Code.OK);
      endSpan(span, error, error !== undefined && serverFaults.has(error.code));
    },
  };
}

/** Codes that are an error of the server and not of its caller (OpenTelemetry's conventions for gRPC). */
const serverFaults: ReadonlySet<Code> = new Set<Code>([
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.UNIMPLEMENTED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

function endSpan(span: Span, error: RpcError | undefined, failed: boolean): void {
  const name = codeName(error?.code ?? Code.OK);
  span.setAttribute("rpc.response.status_code", name);
  if (error !== undefined && failed) {
    span.setAttribute("error.type", name);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end();
}

function splitAddress(address: string): [host: string, port: number | undefined] {
  const match = /^(.*):(\d+)$/.exec(address);
  return match === null ? [address, undefined] : [(match[1] ?? "").replace(/^\[|\]$/g, ""), Number(match[2])];
}
