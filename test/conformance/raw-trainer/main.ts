// A trainer by the contract alone (docs/trainers.md): a linear classifier, for the suite's own tests. FAULT says what it does wrong.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "#libs/rpc";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { runAttempt } from "./attempt.ts";
import { has } from "./faults.ts";

const WAIT_SECONDS = 5;
const AGAIN_MS = 300;
const LEAVE_MS = 300;

const server = process.argv[process.argv.indexOf("--server") + 1] ?? "";
const channel = connect(server);
const clients = { finetune: channel.client(FinetuneService), catalog: channel.client(CatalogService) };
const { finetune } = clients;
const environment = { runtime: process.version };
const trainer = {
  id: has("reborn") ? "always-the-same" : randomUUID(),
  name: process.env["RATATOUILLE_TRAINER_NAME"] ?? "raw",
  device: "cpu",
  engines: [{ name: "raw", device: "cpu", arithmetics: ["~raw/1"], networks: ["linear"], builtInNetworks: false }],
  kinds: ["train", "predict"],
  memoryMib: 4096,
  environment,
};
const drain = new AbortController();
process.once("SIGTERM", () => {
  if (has("abrupt")) process.exit(0);
  setTimeout(() => drain.abort(), has("stubborn") ? 3000 : 0);
});

async function announce(): Promise<void> {
  for (let first = true; !drain.signal.aborted; first = false) {
    let waitMs = AGAIN_MS;
    try {
      if (first || !has("silent")) waitMs = (1000 * (await finetune.announceTrainer({ trainer, contract: 1 })).leaseSeconds) / 3;
    } catch {
      // It is not there, and comes back.
    }
    await sleep(waitMs, undefined, { signal: drain.signal }).catch(() => undefined);
  }
}

async function takeJobs(): Promise<void> {
  while (!drain.signal.aborted) {
    try {
      const timeoutMs = 1000 * (WAIT_SECONDS + 5);
      const { jobId } = await finetune.takeJob({ trainerId: trainer.id, waitSeconds: WAIT_SECONDS }, { signal: drain.signal, timeoutMs });
      if (jobId === "") continue;
      const begun = await finetune.beginAttempt({ jobId, trainer: trainer.name, trainerId: trainer.id, environment });
      await runAttempt(clients, begun, drain.signal);
    } catch {
      if (drain.signal.aborted) return;
      await sleep(AGAIN_MS);
    }
  }
}

void announce();
await takeJobs();
await finetune.announceTrainer({ trainer, leaves: true }, { timeoutMs: LEAVE_MS }).catch(() => undefined);
process.exit(0);
