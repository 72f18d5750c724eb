import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { createPulse } from "#libs/concurrency";
import { recordSpans, waitFor } from "#libs/testing";
import { notFound } from "./index.ts";
import { failure, pair } from "./testing/pair.ts";

const recorder = recordSpans();
after(() => recorder[Symbol.asyncDispose]());

const tracer = trace.getTracer("test");
const DOWNLOAD = "ratatouille.v1.CatalogService/DownloadBlob";

/** Runs calls under a root span and returns all spans by name and kind, once both sides have ended. */
async function spansOf(count: number, calls: () => Promise<unknown>): Promise<readonly ReadableSpan[]> {
  recorder.reset();
  await tracer.startActiveSpan("root", async (root) => {
    await calls();
    root.end();
  });
  await waitFor(() => recorder.spans().length >= count, { what: `${count} spans` });
  return recorder.spans();
}

function only(spans: readonly ReadableSpan[], name: string, kind: SpanKind): ReadableSpan {
  const found = spans.filter((span) => span.name === name && span.kind === kind);
  assert.equal(found.length, 1, `one span ${name} of kind ${kind}`);
  return found[0] as ReadableSpan;
}

test("a stream is one trace: caller, client, server, and what the handler does between its messages", async () => {
  const taken = createPulse();
  await using p = await pair({
    catalog: {
      getArtifact: () => ({}),
      async *downloadBlob() {
        for (let i = 0; i < 3; i++) {
          // The handler goes on from elsewhere: when the message before has gone all the way.
          while (taken.version < i) await taken.changed(taken.version);
          tracer.startSpan(`step ${i}`).end();
          yield {};
        }
      },
    },
  });
  const spans = await spansOf(6, async () => {
    for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 5000 })) taken.beat();
  });
  const root = only(spans, "root", SpanKind.INTERNAL);
  const client = only(spans, DOWNLOAD, SpanKind.CLIENT);
  const server = only(spans, DOWNLOAD, SpanKind.SERVER);
  assert.equal(client.parentSpanContext?.spanId, root.spanContext().spanId);
  assert.equal(server.parentSpanContext?.spanId, client.spanContext().spanId);
  for (let i = 0; i < 3; i++) {
    assert.equal(only(spans, `step ${i}`, SpanKind.INTERNAL).parentSpanContext?.spanId, server.spanContext().spanId);
  }
  assert.equal(spans.length, 6, "no span per message");
  assert.deepEqual(new Set(spans.map((span) => span.spanContext().traceId)).size, 1);
  assert.deepEqual(server.attributes, {
    "rpc.system.name": "grpc",
    "rpc.method": DOWNLOAD,
    "client.address": "127.0.0.1",
    "rpc.response.status_code": "OK",
  });
  assert.equal(client.attributes["server.port"], p.server.port);
});

test("an untraced call leaves no span, at neither end, and nothing that its handler does", async () => {
  await using p = await pair({
    catalog: {
      getArtifact: () => {
        tracer.startSpan("work").end();
        return {};
      },
    },
  });
  const spans = await spansOf(4, async () => {
    await p.catalog.getArtifact({}, { untraced: true });
    await p.catalog.getArtifact({});
  });
  const names = spans.map(({ name, kind }) => `${SpanKind[kind]} ${name}`).sort();
  const method = "ratatouille.v1.CatalogService/GetArtifact";
  assert.deepEqual(names, [`CLIENT ${method}`, "INTERNAL root", "INTERNAL work", `SERVER ${method}`]);
});

test("a call that a handler makes belongs under its span, and failures are marked where they are faults", async () => {
  await using inner = await pair(
    {
      catalog: {
        getArtifact() {
          throw notFound("no");
        },
        moveRef() {
          throw new Error("bug");
        },
      },
      averaging: {},
    },
    { serve: { log: { error() {} } } },
  );
  await using outer = await pair({
    catalog: {
      async getArtifact() {
        await failure(inner.catalog.getArtifact({}));
        await failure(inner.catalog.moveRef({}));
        return {};
      },
    },
  });
  const spans = await spansOf(7, () => outer.catalog.getArtifact({}));
  const get = "ratatouille.v1.CatalogService/GetArtifact";
  const move = "ratatouille.v1.CatalogService/MoveRef";
  const outerServer = spans.find(
    (span) => span.name === get && span.kind === SpanKind.SERVER && span.attributes["rpc.response.status_code"] === "OK",
  );
  const innerClient = spans.find(
    (span) => span.name === get && span.kind === SpanKind.CLIENT && span.attributes["rpc.response.status_code"] === "NOT_FOUND",
  );
  const innerServer = spans.find(
    (span) => span.name === get && span.kind === SpanKind.SERVER && span.attributes["rpc.response.status_code"] === "NOT_FOUND",
  );
  assert.equal(innerClient?.parentSpanContext?.spanId, outerServer?.spanContext().spanId);
  assert.equal(innerClient?.status.code, SpanStatusCode.ERROR);
  assert.equal(innerServer?.status.code, SpanStatusCode.UNSET, "NOT_FOUND is no fault of the server");
  assert.equal(only(spans, move, SpanKind.SERVER).status.code, SpanStatusCode.ERROR);
});

test("leaving a stream ends its span, and health and a stream that nobody reads have none", async () => {
  await using p = await pair({
    catalog: {
      async *downloadBlob(_, { signal }) {
        yield {};
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const spans = await spansOf(3, async () => {
    p.catalog.downloadBlob({}, { timeoutMs: 0 });
    for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 0 })) break;
  });
  assert.equal(only(spans, DOWNLOAD, SpanKind.CLIENT).attributes["rpc.response.status_code"], "CANCELLED");
  assert.equal(only(spans, DOWNLOAD, SpanKind.SERVER).attributes["rpc.response.status_code"], "CANCELLED");
});
