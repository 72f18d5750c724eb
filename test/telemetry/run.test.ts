import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { spawnScript } from "#libs/service";
import { openOtlpSink, type ReceivedSpan } from "#libs/telemetry/testing";
import { temporaryDirectory } from "#libs/testing";
import { writeSmallest } from "../e2e/run-file.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Names of a span and its ancestors, from the span up to the root. */
function ancestry(span: ReceivedSpan, spans: ReadonlyMap<string, ReceivedSpan>): string[] {
  const parent = spans.get(span.parentSpanId);
  return [`${span.service} ${span.kind} ${span.name}`, ...(parent ? ancestry(parent, spans) : [])];
}

test("one trace leads from the command through services, bus and trainers to averages and evaluations", async () => {
  await using directory = await temporaryDirectory();
  await using sink = await openOtlpSink();
  const file = await writeSmallest(join(directory.path, "smallest.yaml"));
  const args = ["recycle", file, "--quiet", "--data", join(directory.path, "data"), "--out", join(directory.path, "out")];
  const child = spawnScript(join(root, "services/cli/main.ts"), args, {
    cwd: root,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint },
    stdio: "ignore",
  });
  const [code] = await once(child, "exit");
  assert.equal(code, 0);

  const spans = await sink.waitFor((received) => received.some(({ name }) => name === "ratatouille recycle"), 10_000);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const roots = spans.filter(({ name }) => name === "ratatouille recycle");
  assert.equal(roots.length, 1);
  const { traceId } = roots[0] as ReceivedSpan;
  const inTrace = spans.filter((span) => span.traceId === traceId);
  for (const span of inTrace) {
    assert.ok(span.parentSpanId === "" || byId.has(span.parentSpanId), `${span.name} has a parent that never came`);
    assert.equal(ancestry(span, byId).at(-1), "ratatouille INTERNAL ratatouille recycle");
  }
  assert.deepEqual(
    spans.filter((span) => span.traceId !== traceId),
    [],
  );

  const completed = inTrace.find((span) => span.service === "trainer" && span.name === "ratatouille.v1.FinetuneService/CompleteAttempt");
  assert.ok(completed);
  const path = ancestry(completed, byId);
  const submit = path.indexOf("ratatouille SERVER ratatouille.v1.FinetuneService/SubmitJob");
  assert.equal(path[0], "trainer CLIENT ratatouille.v1.FinetuneService/CompleteAttempt");
  assert.equal(path[1], "trainer INTERNAL run job");
  assert.match(path[2] ?? "", /^ratatouille CONSUMER process ratatouille\.v1\.work\.cpu\./);
  assert.equal(submit, 3);
  for (const work of ["measure", "average"]) {
    const span = inTrace.find(({ name, kind }) => name === work && kind === "INTERNAL");
    assert.ok(span, `${work} is in the trace`);
    assert.match(ancestry(span, byId)[1] ?? "", /SERVER ratatouille\.v1\.(Evaluation|Averaging)Service/);
  }
  assert.ok(inTrace.some(({ name, kind }) => kind === "CONSUMER" && name === "process ratatouille.v1.job.finished"));
});
