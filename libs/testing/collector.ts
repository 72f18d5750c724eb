import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { userCache } from "#libs/files";
import { type CollectedMetric, type CollectedSpan, readOtlpLines } from "./collected.ts";
import { freePort } from "./free-port.ts";
import { testProcess } from "./process.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A real OpenTelemetry collector for one test; killed when disposed. */
export type Collector = AsyncDisposable & {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** What it has written so far: all spans, and all measurements in order of arrival. */
  received(): Promise<{ readonly spans: readonly CollectedSpan[]; readonly metrics: readonly CollectedMetric[] }>;
  /** Ends it when it has written all that it received. */
  stop(): Promise<void>;
};

/**
 * Starts a collector on a free port, which takes OTLP over HTTP and writes it to a file. The first call on a machine builds it from Go
 * modules, pinned by `otel-collector/go.sum`: two and a half minutes of one core.
 */
export async function startCollector(): Promise<Collector> {
  const program = await collectorProgram();
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("ratatouille-collector-"));
  const [port, file] = [await freePort(), directory.join("received.jsonl")];
  const pipeline = { receivers: ["otlp"], exporters: ["file"] };
  // JSON is YAML.
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { file: { path: file, flush_interval: "100ms" } },
    service: { pipelines: { traces: pipeline, metrics: pipeline }, telemetry: { metrics: { level: "none" } } },
  };
  const server = stack.use(testProcess(program, ["--config", `yaml:${JSON.stringify(config)}`]));
  await server.line("Everything is ready");
  const running = stack.move();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received: async () => readOtlpLines(await readFile(file, "utf8")),
    stop: () => server.kill("SIGTERM"),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The path of the collector, from a cache outside the checkout; built there if it is missing. */
export async function collectorProgram(): Promise<string> {
  const source = fileURLToPath(new URL("otel-collector", import.meta.url));
  const hash = createHash("sha256");
  for (const name of ["main.go", "go.mod", "go.sum"]) hash.update(await readFile(join(source, name)));
  const cache = userCache("bin");
  const bin = join(cache, `otel-collector-${hash.digest("hex").slice(0, 12)}`);
  const program = join(bin, "otel-collector");
  const there = await access(program).then(
    () => true,
    () => false,
  );
  if (there) return program;
  await mkdir(bin, { recursive: true });
  // Test processes may race here: each builds for itself, the last one to be ready is kept.
  const own = await mkdtemp(join(cache, "building-"));
  try {
    await promisify(execFile)("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", join(own, "otel-collector"), "."], {
      cwd: source,
    });
    await rename(join(own, "otel-collector"), program);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return program;
}
