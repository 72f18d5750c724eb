import assert from "node:assert/strict";
import { test } from "node:test";
import { openOtlpSink, type ReceivedSpan } from "#libs/telemetry/testing";
import { contextFromHeaders, inSpan, startTelemetry, traceHeaders } from "./index.ts";

test("spans reach an OTLP receiver with service, parents, kinds, attributes and errors", async () => {
  await using sink = await openOtlpSink();
  {
    await using _telemetry = startTelemetry({ service: "averaging", version: "0.1.0", endpoint: `${sink.endpoint}/` });
    await inSpan("outer", { "ratatouille.members": 3, name: "soup", exact: true, share: 0.5 }, async () => {
      await nextTick();
      inSpan("inner", {}, () => traceHeaders(), { kind: "client" });
      await assert.rejects(
        inSpan("broken", {}, async () => {
          await nextTick();
          throw new RangeError("no members");
        }),
        RangeError,
      );
    });
  }
  const outer = named(sink.spans, "outer");
  assert.equal(sink.spans.length, 3);
  assert.equal(outer.service, "averaging");
  assert.equal(outer.version, "0.1.0");
  assert.equal(outer.parentSpanId, "");
  assert.deepEqual(outer.attributes, { "ratatouille.members": 3, name: "soup", exact: true, share: 0.5 });
  const inner = named(sink.spans, "inner");
  assert.equal(inner.parentSpanId, outer.spanId);
  assert.equal(inner.traceId, outer.traceId);
  assert.equal(inner.kind, "CLIENT");
  const broken = named(sink.spans, "broken");
  assert.equal(broken.parentSpanId, outer.spanId);
  assert.equal(broken.status, "ERROR");
  assert.deepEqual(broken.events, ["exception"]);
  assert.equal(broken.attributes["error.type"], "RangeError");
  assert.ok(Math.abs(Date.now() - outer.startMs) < 60_000 && outer.endMs >= outer.startMs);
});

test("headers carry the context to another process, and links name other spans", async () => {
  await using sink = await openOtlpSink();
  {
    await using _telemetry = startTelemetry({ service: "cli", endpoint: sink.endpoint });
    const headers = inSpan("send", {}, () => traceHeaders(), { kind: "producer" });
    assert.match(headers["traceparent"] ?? "", /^00-[\da-f]{32}-[\da-f]{16}-01$/);
    const parent = contextFromHeaders(new Map(Object.entries(headers)));
    inSpan("process", {}, (span) => span.addLink({ context: span.spanContext() }), { kind: "consumer", parent });
  }
  const send = named(sink.spans, "send");
  const process = named(sink.spans, "process");
  assert.equal(process.traceId, send.traceId);
  assert.equal(process.parentSpanId, send.spanId);
  assert.deepEqual(process.links, [{ traceId: process.traceId, spanId: process.spanId }]);
});

test("work that runs side by side keeps its own parent, through promises, timers and async generators", async () => {
  await using sink = await openOtlpSink();
  {
    await using _telemetry = startTelemetry({ service: "trainer", endpoint: sink.endpoint });
    await Promise.all(["a", "b", "c"].map((name) => inSpan(name, {}, () => consume(steps(name)))));
  }
  assert.equal(sink.spans.length, 12);
  for (const name of ["a", "b", "c"]) {
    const parent = named(sink.spans, name);
    const children = sink.spans.filter((span) => span.name.startsWith(`${name} step`));
    assert.deepEqual(
      children.map((span) => span.parentSpanId),
      [parent.spanId, parent.spanId, parent.spanId],
    );
  }
});

test("without an endpoint the caller's trace passes through untouched, and a new one has an id", async () => {
  await using _telemetry = startTelemetry({ service: "finetune" });
  const caller = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "vendor=1" };
  const passed = await inSpan("middle", {}, async () => inSpan("inside", {}, () => traceHeaders()), { parent: contextFromHeaders(caller) });
  assert.deepEqual(passed, caller);
  const [first, second] = [1, 2].map(() => inSpan("root", {}, () => [traceHeaders(), inSpan("child", {}, () => traceHeaders())]));
  assert.match(first?.[0]?.["traceparent"] ?? "", /^00-[\da-f]{32}-[\da-f]{16}-01$/);
  assert.deepEqual(first?.[0], first?.[1]);
  assert.notDeepEqual(first, second);
  assert.deepEqual(traceHeaders(), {});
});

test("headers without a valid traceparent start a new trace", async () => {
  await using _telemetry = startTelemetry({ service: "finetune" });
  for (const traceparent of ["", "rubbish", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`]) {
    const headers = inSpan("root", {}, () => traceHeaders(), { parent: contextFromHeaders({ traceparent }) });
    assert.match(headers["traceparent"] ?? "", /^00-(?!0{32})[\da-f]{32}-/);
  }
});

test("a collector that is not there costs no error and a bounded time", async () => {
  const gone = await openOtlpSink();
  await gone[Symbol.asyncDispose]();
  const telemetry = startTelemetry({ service: "cli", endpoint: gone.endpoint });
  inSpan("lost", {}, () => {});
  const start = performance.now();
  await telemetry[Symbol.asyncDispose]();
  assert.ok(performance.now() - start < 7000);
});

test("an endpoint that is no URL is refused by name", () => {
  assert.throws(
    () => startTelemetry({ service: "cli", endpoint: "localhost:4318" }),
    /OTEL_EXPORTER_OTLP_ENDPOINT must be .*not "localhost:4318"/,
  );
});

async function* steps(name: string): AsyncGenerator<number> {
  for (let step = 0; step < 3; step += 1) {
    await nextTick();
    inSpan(`${name} step ${step}`, {}, () => {});
    yield step;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function consume(stream: AsyncIterable<number>): Promise<void> {
  for await (const _step of stream) await nextTick();
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `one span named ${name}`);
  return found[0] as ReceivedSpan;
}
