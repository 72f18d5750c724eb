import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ExportTraceServiceRequestSchema,
  ExportTraceServiceResponseSchema,
} from "#proto/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts";
import type { AnyValue, KeyValue } from "#proto/opentelemetry/proto/common/v1/common_pb.ts";
import { type Span, Span_SpanKind, Status_StatusCode } from "#proto/opentelemetry/proto/trace/v1/trace_pb.ts";

/** A span as it came over the wire, ids in hex; `parentSpanId` is empty for a root. */
export type ReceivedSpan = {
  readonly service: string;
  readonly version: string;
  readonly name: string;
  readonly kind: keyof typeof Span_SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly status: keyof typeof Status_StatusCode;
  readonly events: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
};

/** An OTLP/HTTP receiver for tests. */
export type OtlpSink = AsyncDisposable & {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** Everything received so far, in order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  /** Resolves to the spans once `enough` of them are there; rejects after `timeoutMs` naming those that came. */
  waitFor(enough: (spans: readonly ReceivedSpan[]) => boolean, timeoutMs?: number): Promise<readonly ReceivedSpan[]>;
};

/** Opens a receiver of OTLP traces (http/protobuf, gzip or not) on a free loopback port. Metrics are taken and dropped. */
export async function openOtlpSink(): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        if (request.url === "/v1/metrics") {
          response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
          return;
        }
        if (request.method !== "POST" || request.url !== "/v1/traces" || request.headers["content-type"] !== "application/x-protobuf") {
          response.writeHead(400).end();
          return;
        }
        spans.push(...decode(body));
        response.writeHead(200, { "content-type": "application/x-protobuf" });
        response.end(toBinary(ExportTraceServiceResponseSchema, create(ExportTraceServiceResponseSchema)));
        for (const check of waiting) check();
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    waitFor(enough, timeoutMs = 10_000) {
      return new Promise((resolve, reject) => {
        const stop = () => {
          clearTimeout(timer);
          waiting.delete(check);
        };
        const check = () => {
          if (!enough(spans)) return;
          stop();
          resolve([...spans]);
        };
        const timer = setTimeout(() => {
          stop();
          reject(
            new Error(
              `the expected spans did not arrive in ${timeoutMs} ms; received: ${spans.map((span) => span.name).join(", ") || "none"}`,
            ),
          );
        }, timeoutMs);
        waiting.add(check);
        check();
      });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const body = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
}

function decode(body: Uint8Array): ReceivedSpan[] {
  return fromBinary(ExportTraceServiceRequestSchema, body).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const about = attributesOf(resource?.attributes ?? []);
    const service = String(about["service.name"] ?? "");
    const version = String(about["service.version"] ?? "");
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ service, version, ...received(span) })));
  });
}

function received(span: Span): Omit<ReceivedSpan, "service" | "version"> {
  return {
    name: span.name,
    kind: nameOf(Span_SpanKind, span.kind),
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
    attributes: attributesOf(span.attributes),
    status: nameOf(Status_StatusCode, span.status?.code ?? Status_StatusCode.UNSET),
    events: span.events.map((event) => event.name),
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
  };
}

function nameOf<E extends Readonly<Record<string, number>>>(values: E, value: number): keyof E & string {
  const name = Object.keys(values).find((key) => values[key] === value);
  if (name === undefined) throw new RangeError(`${value} is not in the enum ${Object.keys(values).join(", ")}`);
  return name;
}

function attributesOf(list: readonly KeyValue[]): Record<string, string | number | boolean> {
  return Object.fromEntries(list.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: AnyValue | undefined): string | number | boolean {
  const inner = value?.value;
  switch (inner?.case) {
    case "stringValue":
    case "boolValue":
    case "doubleValue":
      return inner.value;
    case "intValue":
      return Number(inner.value);
    default:
      return JSON.stringify(inner?.value ?? null, (_key, part: unknown) => (typeof part === "bigint" ? Number(part) : part));
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
