import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger, inSpan, startTelemetry, traceHeaders } from "./index.ts";

test("a line has level, time, service, fields and message, and the ids of the trace it belongs to", async () => {
  using file = logFile();
  const log = createLogger({ service: "catalog", destination: file.path });
  log.info({ step: 25 }, "started");
  await using _telemetry = startTelemetry({ service: "catalog" });
  const headers = await inSpan("work", {}, async () => {
    log.child({ job: "j1" }).warn("slow");
    return traceHeaders();
  });
  const [started, slow] = file.lines();
  assert.deepEqual({ ...started, time: "" }, { level: "info", time: "", service: "catalog", step: 25, msg: "started" });
  assert.ok(Math.abs(Date.parse(String(started?.["time"])) - Date.now()) < 60_000);
  assert.equal(slow?.["job"], "j1");
  assert.equal(headers["traceparent"], `00-${slow?.["trace_id"]}-${slow?.["span_id"]}-01`);
});

test("an error is logged with its stack and cause", () => {
  using file = logFile();
  const log = createLogger({ service: "catalog", destination: file.path });
  log.error({ err: new Error("cannot publish", { cause: new Error("disk full") }) }, "publish failed");
  const [line] = file.lines();
  assert.match(JSON.stringify(line), /cannot publish.*disk full/);
});

test("no secret gets into the file", () => {
  using file = logFile();
  const log = createLogger({ service: "catalog", destination: file.path });
  log.info(
    { token: "s3cret", config: { RATATOUILLE_TOKEN: "s3cret" }, call: { metadata: { authorization: "Bearer s3cret" } } },
    "configured",
  );
  log.info({ err: new Error("refused: authorization was 'Bearer s3cret'") }, "failed for bearer s3cret at nats://user:s3cret@host:4222");
  const text = readFileSync(file.path, "utf8");
  assert.doesNotMatch(text, /s3cret/);
  assert.equal(text.match(/\[redacted\]/g)?.length, 7);
  assert.equal(file.lines().length, 2);
});

test("lines below the level are left out", () => {
  using file = logFile();
  const log = createLogger({ service: "catalog", destination: file.path, level: "warn" });
  log.info("quiet");
  log.error("loud");
  assert.deepEqual(
    file.lines().map((line) => line["msg"]),
    ["loud"],
  );
});

test("a file that cannot be opened is an error at once", () => {
  using file = logFile();
  createLogger({ service: "catalog", destination: file.path });
  assert.throws(() => createLogger({ service: "catalog", destination: join(file.path, "catalog.log") }), /ENOTDIR|EEXIST/);
});

function logFile() {
  const directory = mkdtempSync(join(tmpdir(), "ratatouille-log-"));
  const path = join(directory, "logs", "catalog.log");
  return {
    path,
    lines: () =>
      readFileSync(path, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
