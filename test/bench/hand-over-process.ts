/**
 * Trainers that take jobs until its stdin ends, by the trainer's own code: only the clock is read around it. Arguments: a name, how many
 * trainers, and the addresses of catalog and fine-tune service. Prints JSON: HandOverTimes.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { arithmetics, backends } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { cpuTimeMs, usageHere } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { startHeartbeat } from "../../services/trainer/heartbeat.ts";
import { kindsRun } from "../../services/trainer/run-recipe.ts";
import { takeWork } from "../../services/trainer/take-work.ts";
import { createUploads } from "../../services/trainer/uploads.ts";
import { createWorkshop } from "../../services/trainer/workshop.ts";
import type { HandOverTimes, TrainerTimes } from "./hand-over.ts";

/** As often as a trainer's own thread does. */
const ANNOUNCE_MS = 1_700;

const [name = "", count = "1", catalog = "", finetune = ""] = process.argv.slice(2);
const startCpuMs = cpuTimeMs();
const now = () => performance.timeOrigin + performance.now();

const stop = new AbortController();
process.stdin.once("end", () => stop.abort()).resume();

/** One trainer, and when it was free and when it had a job. */
async function train(id: string): Promise<TrainerTimes> {
  const freeAtMs: number[] = [];
  const begunAtMs: number[] = [];
  using channel = connect(finetune);
  using catalogChannel = connect(catalog);
  const client = channel.client(FinetuneService);
  const artifacts = createArtifacts(catalogChannel);
  await using uploads = createUploads({ address: catalog, options: {} }, artifacts);
  // A data set is drawn: nothing comes to the disk.
  await using workshop = createWorkshop({ artifacts, cacheBytes: 0, diskBytes: 0, directory: join(tmpdir(), "hand-over") });
  const engines = backends.map((backend) => ({ name: backend, device: "cpu", arithmetics: [arithmetics[backend]] }));
  const trainer = { id, name: id, device: "cpu", engines, kinds: [...kindsRun], memoryMib: 65_536 };
  const announce = () => client.announceTrainer({ trainer }, { untraced: true });
  await announce();
  const announcing = setInterval(() => void announce().catch(() => undefined), ANNOUNCE_MS);
  const noting: typeof client = {
    ...client,
    takeJob(...args) {
      if (begunAtMs.length > freeAtMs.length) freeAtMs.push(now());
      return client.takeJob(...args);
    },
    async beginAttempt(...args) {
      const begun = await client.beginAttempt(...args);
      begunAtMs.push(now());
      return begun;
    },
  };
  await takeWork(
    { trainer, finetune: noting, artifacts, workshop, uploads, heartbeat, log, usage: usageHere, checkpointMs: 5000 },
    stop.signal,
  );
  clearInterval(announcing);
  return { freeAtMs, begunAtMs };
}

const log = createLogger({ service: "trainer", level: "silent" });
await using heartbeat = startHeartbeat({ address: finetune, options: {} }, log);
const trainers = await Promise.all(Array.from({ length: Number(count) }, (_, i) => train(`${name}-${i + 1}`)));
const times: HandOverTimes = { trainers, cpuMs: cpuTimeMs() - startCpuMs };
process.stdout.write(JSON.stringify(times), () => process.exit());
