// The thread that keeps the leases of a trainer's attempts while the thread that trains has no turn to report. See heartbeat.ts.
import { parentPort, workerData } from "node:worker_threads";
import { createPulse } from "#libs/concurrency";
import { Code, connect, isRpcError, type ServiceClient } from "#libs/rpc";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptId } from "./attempt-id.ts";
import type { HeartbeatReply, HeartbeatRequest, HeartbeatSetup } from "./heartbeat.ts";

/** Who has not been alive for so long does not train any more: then the lease ends, and another one has the job. */
const STUCK_MS = 10 * 60_000;
/** Parts of a lease. */
const LOOK = 1 / 15;
const SILENT = 1 / 5;
const REPORT = 1 / 3;

type Kept = { readonly attempt: AttemptId; readonly leaseMs: number; readonly timer: ReturnType<typeof setInterval>; stream?: Stream };
type Stream = { readonly due: ReturnType<typeof createPulse>; reportedAt: number; ended: boolean };

const { address, options } = workerData as HeartbeatSetup;
const kept = new Map<string, Kept>();
let aliveAt = performance.now();
/** Nothing connects before the first call: most trainings never need one. Nor is anything loaded then: on Node that waits for the other thread. */
let finetune: ServiceClient<typeof FinetuneService> | undefined;

function look(key: string, one: Kept): void {
  const { leaseMs, stream } = one;
  const now = performance.now();
  const silentMs = now - aliveAt;
  if (silentMs < SILENT * leaseMs || silentMs > STUCK_MS) return;
  if (!stream || stream.ended) {
    one.stream = { due: createPulse(), reportedAt: now, ended: false };
    void report(key, one, one.stream);
  } else if (now - stream.reportedAt >= REPORT * leaseMs) {
    stream.reportedAt = now;
    stream.due.beat();
  }
}

/** A stream that is opened here stays until the attempt ends, and takes the place of that of the other thread: its end would shorten the lease. */
async function report(key: string, one: Kept, stream: Stream): Promise<void> {
  async function* reports() {
    while (kept.get(key) === one) {
      const seen = stream.due.version;
      // Without progress: how far it is, the service knows already.
      yield { ...one.attempt };
      await stream.due.changed(seen);
    }
  }
  try {
    finetune ??= connect(address, options).client(FinetuneService);
    await finetune.reportProgress(reports(), { timeoutMs: 0 });
  } catch (error) {
    const lost = isRpcError(error, Code.ABORTED) || isRpcError(error, Code.CANCELLED, "JOB_CANCELLED") || isRpcError(error, Code.NOT_FOUND);
    if (lost && kept.get(key) === one) {
      leave(key);
      parentPort?.postMessage({ key, lost: (error as Error).message } satisfies HeartbeatReply);
    }
  } finally {
    stream.ended = true;
  }
}

function leave(key: string): void {
  const one = kept.get(key);
  if (!one) return;
  clearInterval(one.timer);
  kept.delete(key);
  one.stream?.due.beat();
}

parentPort?.postMessage({ ready: true } satisfies HeartbeatReply);
parentPort?.on("message", (request: HeartbeatRequest) => {
  aliveAt = performance.now();
  if (request.type === "leave") leave(request.key);
  if (request.type !== "keep") return;
  const { key, attempt, leaseMs } = request;
  const one: Kept = { attempt, leaseMs, timer: setInterval(() => look(key, one), LOOK * leaseMs) };
  kept.set(key, one);
});
