import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { spawnScript } from "#libs/service";
import { type CollectedMetric, type CollectedSpan, startCollector, temporaryDirectory, waitFor } from "#libs/testing";
import { startLocalSystem } from "../../deploy/local/system.ts";
import { writeSmallest } from "../e2e/run-file.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

// The first test on a machine builds the collector.
test("one trace and the metrics of a run whose services are processes, as a real collector has them", { timeout: 300_000 }, async () => {
  await using directory = await temporaryDirectory();
  await using collector = await startCollector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_METRIC_EXPORT_INTERVAL: "500" };
  {
    await using system = await startLocalSystem({ directory: directory.join("system"), trainers: 2, env });
    const file = await writeSmallest(directory.join("smallest.yaml"), (run) => {
      // Enough for both trainers.
      run["fine-tuning"].members = 6;
      run["fine-tuning"].steps = 100;
    });
    const args = ["recycle", file, "--quiet", "--server", system.address, "--out", directory.join("out")];
    const command = spawnScript(join(root, "services/cli/main.ts"), args, { cwd: root, env, stdio: "ignore" });
    const [code] = await once(command, "exit");
    assert.equal(code, 0);
    await waitFor(async () => (await collector.received()).metrics.some(({ name }) => name === "ratatouille.jobs.queued"));
  }
  await collector.stop();
  const { spans, metrics } = await collector.received();
  checkTrace(spans);
  checkMetrics(metrics);
});

function checkTrace(all: readonly CollectedSpan[]): void {
  const [command, ...others] = all.filter(({ name }) => name === "ratatouille recycle");
  assert.ok(command && others.length === 0, "one command");
  const spans = all.filter(({ traceId }) => traceId === command.traceId);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const ancestry = (span: CollectedSpan): string[] => {
    const parent = byId.get(span.parentSpanId);
    return [`${span.service} ${span.kind} ${span.name}`, ...(parent ? ancestry(parent) : [])];
  };
  for (const span of spans) {
    const line = ancestry(span);
    assert.equal(line.at(-1), "ratatouille INTERNAL ratatouille recycle", `${line.join(" < ")} has lost its parent`);
  }
  const outside = all.filter(({ traceId }) => traceId !== command.traceId);
  assert.deepEqual(outside, []);
  const services = ["averaging", "catalog", "evaluation", "finetune", "gateway", "ratatouille", "recycling", "sessions", "trainer"];
  assert.deepEqual([...new Set(spans.map(({ service }) => service))].sort(), services);
  assert.equal(new Set(spans.filter(({ service }) => service === "trainer").map(({ instance }) => instance)).size, 2, "both trainers");

  const call = (service: string, method: string) => `ratatouille.v1.${service}Service/${method}`;
  const start = [
    `recycling SERVER ${call("Recycling", "StartRun")}`,
    `gateway CLIENT ${call("Recycling", "StartRun")}`,
    `gateway SERVER ${call("Recycling", "StartRun")}`,
    `ratatouille CLIENT ${call("Recycling", "StartRun")}`,
    "ratatouille INTERNAL ratatouille recycle",
  ];
  const submitted = [`finetune SERVER ${call("Finetune", "SubmitJob")}`, `recycling CLIENT ${call("Finetune", "SubmitJob")}`];
  /** Some span has this line of ancestors, and the start of the run at its end. */
  const below = (what: string, ...path: readonly string[]) => {
    const lines = spans.map(ancestry).filter((line) => line.slice(-start.length).join() === start.join());
    const found = lines.some((line) => path.every((name, i) => line[i] === name));
    assert.ok(found, `${what}: nothing below the start of the run is ${path.join(" < ")}`);
  };
  const work = [...new Set(spans.map(({ name }) => name))].find((name) => name.startsWith("process ratatouille.v1.work."));
  assert.ok(work, "work was taken");
  const handedOver = [`finetune CONSUMER ${work}`, ...submitted];
  const taken = ["trainer INTERNAL run job", ...handedOver];
  below("the plan", "recycling INTERNAL plan");
  below("the job", ...submitted);
  below("the wait for a trainer", `finetune INTERNAL ${work.replace("process", "wait")}`, ...submitted);
  below("the training", "trainer INTERNAL run recipe", ...taken);
  below("the upload", `trainer CLIENT ${call("Catalog", "PublishArtifact")}`, ...taken);
  below("the end of the job", `trainer CLIENT ${call("Finetune", "CompleteAttempt")}`, ...taken);
  below("the average", "averaging INTERNAL average", `averaging SERVER ${call("Averaging", "Average")}`);
  below("the evaluation", "evaluation INTERNAL measure", `evaluation SERVER ${call("Evaluation", "Evaluate")}`);
  const waits = spans.filter(({ name }) => name.startsWith("wait "));
  assert.ok(waits.length > 0 && waits.every(({ startMs, endMs }) => endMs >= startMs), "waits last");
}

function checkMetrics(all: readonly CollectedMetric[]): void {
  const of = (service: string, name: string, unit: string) => {
    const found = all.filter((metric) => metric.service === service && metric.name === name);
    assert.ok(found.length > 0, `${service} measures ${name}`);
    for (const metric of found) assert.equal(metric.unit, unit);
    return found;
  };
  const methods = (metrics: readonly CollectedMetric[]) => new Set(metrics.map(({ attributes }) => attributes["rpc.method"]));
  const codes = (metrics: readonly CollectedMetric[]) => new Set(metrics.map(({ attributes }) => attributes["rpc.response.status_code"]));
  const served = of("finetune", "rpc.server.call.duration", "s");
  assert.ok(methods(served).has("ratatouille.v1.FinetuneService/SubmitJob") && codes(served).has("OK"));
  assert.ok(methods(of("trainer", "rpc.client.call.duration", "s")).has("ratatouille.v1.FinetuneService/CompleteAttempt"));
  assert.ok(of("finetune", "ratatouille.jobs.queued", "{job}").every(({ value }) => value >= 0));
  assert.ok(of("finetune", "ratatouille.jobs.oldest_age", "s").every(({ value }) => value >= 0));
  // Sums count from the start of a process: the last one of each process is the whole.
  const steps = new Map(of("trainer", "ratatouille.training.steps", "{step}").map(({ instance, value }) => [instance, value]));
  assert.ok([...steps.values()].reduce((a, b) => a + b, 0) >= 500, "each step counts");
  assert.ok(of("trainer", "ratatouille.training.speed", "{step}/s").some(({ value, count = 0 }) => value / count > 1));
  const io = of("catalog", "ratatouille.blob.io", "By");
  for (const direction of ["in", "out"]) {
    assert.ok(io.some(({ attributes, value }) => attributes["ratatouille.direction"] === direction && value > 10_000));
  }
  assert.ok(of("averaging", "ratatouille.averaging.throughput", "By/s").some(({ value, count = 0 }) => value / count > 1000));
}
