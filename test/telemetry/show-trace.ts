// Runs a run file on a whole system of processes, and gives the trace that a collector has of it to Zipkin, for people to look at:
//   bun test/telemetry/show-trace.ts examples/tiny.yaml http://localhost:9411
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { spawnScript } from "#libs/service";
import { type CollectedSpan, startCollector, temporaryDirectory } from "#libs/testing";
import { startLocalSystem } from "../../deploy/local/system.ts";

const [file = "examples/tiny.yaml", zipkin = "http://localhost:9411"] = process.argv.slice(2);
const command = fileURLToPath(new URL("../../services/cli/main.ts", import.meta.url));

const spans = await record();
const accepted = await fetch(`${zipkin}/api/v2/spans`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(spans.map(toZipkin)),
});
if (!accepted.ok) throw new Error(`${zipkin} does not take the spans: ${accepted.status} ${await accepted.text()}`);
const traceId = spans.find(({ name }) => name === "ratatouille recycle")?.traceId;
process.stdout.write(`${spans.length} spans: ${zipkin}/zipkin/traces/${traceId}\n`);

/** What a collector has of a run. */
async function record(): Promise<readonly CollectedSpan[]> {
  await using directory = await temporaryDirectory();
  await using collector = await startCollector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
  {
    await using system = await startLocalSystem({ directory: directory.join("system"), env });
    const args = ["recycle", file, "--server", system.address, "--out", directory.join("out")];
    const [code] = await once(spawnScript(command, args, { env, stdio: "inherit" }), "exit");
    if (code !== 0) throw new Error(`the run ended with ${code}`);
  }
  await collector.stop();
  return (await collector.received()).spans;
}

/** A span as Zipkin's API has it: times in microseconds, no kind for what happens inside a process. */
function toZipkin({ traceId, spanId, parentSpanId, service, name, kind, startMs, endMs, attributes }: CollectedSpan): object {
  return {
    traceId,
    id: spanId,
    ...(parentSpanId === "" ? {} : { parentId: parentSpanId }),
    ...(kind === "INTERNAL" ? {} : { kind }),
    name: name.replace("ratatouille.v1.", ""),
    localEndpoint: { serviceName: service },
    timestamp: Math.round(startMs * 1000),
    duration: Math.max(1, Math.round((endMs - startMs) * 1000)),
    tags: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
  };
}
