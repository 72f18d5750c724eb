/**
 * Takes jobs until its stdin ends, by the trainer's own code: only the clock is read around it. Arguments: a name, the addresses of catalog
 * and fine-tune service, and that of the NATS server; without the last the fine-tune service's address serves the bus too. Prints JSON:
 * HandOverTimes.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { type Bus, connectJetStream, connectRemoteBus } from "#libs/bus";
import { arithmetics, backends } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { cpuTimeMs, usageHere } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { consumers, streams } from "#libs/topics";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { startHeartbeat } from "../../services/trainer/heartbeat.ts";
import { kindsRun } from "../../services/trainer/run-recipe.ts";
import { takeWork } from "../../services/trainer/take-work.ts";
import { createUploads } from "../../services/trainer/uploads.ts";
import { createWorkshop } from "../../services/trainer/workshop.ts";
import type { HandOverTimes } from "./hand-over.ts";

const [name = "", catalog = "", finetune = "", nats] = process.argv.slice(2);
const freeAtMs: number[] = [];
const begunAtMs: number[] = [];
const startCpuMs = cpuTimeMs();
const now = () => performance.timeOrigin + performance.now();

const stop = new AbortController();
process.stdin.once("end", () => stop.abort()).resume();
{
  using channel = connect(finetune);
  using catalogChannel = connect(catalog);
  await using bus = nats === undefined ? connectRemoteBus(channel) : await connectJetStream({ servers: nats, streams, consumers });
  const client = channel.client(FinetuneService);
  const artifacts = createArtifacts(catalogChannel);
  const log = createLogger({ service: "trainer", level: "silent" });
  await using heartbeat = startHeartbeat({ address: finetune, options: {} }, log);
  await using uploads = createUploads({ address: catalog, options: {} }, artifacts);
  const engines = backends.map((backend) => ({ name: backend, device: "cpu", arithmetics: [arithmetics[backend]] }));
  const trainer = { id: name, name, device: "cpu", engines, kinds: [...kindsRun], memoryMib: 65_536 };
  // A data set is drawn: nothing comes to the disk.
  await using workshop = createWorkshop({ artifacts, cacheBytes: 0, diskBytes: 0, directory: join(tmpdir(), "hand-over") });
  const worker = {
    trainer,
    bus: noting(bus),
    finetune: {
      ...client,
      beginAttempt: async (...args: Parameters<typeof client.beginAttempt>) => {
        const begun = await client.beginAttempt(...args);
        begunAtMs.push(now());
        return begun;
      },
    },
    artifacts,
    workshop,
    uploads,
    heartbeat,
    log,
    usage: usageHere,
    checkpointMs: 5000,
  } as const;
  await takeWork(worker, stop.signal);
}
const times: HandOverTimes = { freeAtMs, begunAtMs, cpuMs: cpuTimeMs() - startCpuMs };
process.stdout.write(JSON.stringify(times), () => process.exit());

/** Takes note of when a job's message is done with, so that the trainer is free. */
function noting(bus: Bus): Pick<Bus, "consume"> {
  return {
    consume: (on, options, handler) =>
      bus.consume(on, options, (message, delivery) => handler(message, delivery).finally(() => freeAtMs.push(now()))),
  };
}
