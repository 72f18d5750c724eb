// The thread that says that a trainer is there, and keeps the leases of its attempts while the thread that trains has no turn to report. See
// heartbeat.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { createPulse } from "#libs/concurrency";
import { Code, connect, isRpcError, type ServiceClient } from "#libs/rpc";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptId } from "./attempt-id.ts";
import { CONTRACT } from "./contract.ts";
import type { Announced, HeartbeatReply, HeartbeatRequest, HeartbeatSetup } from "./heartbeat.ts";

/** Who has not been alive for so long does not train any more: then the lease ends, and another one has the job. */
const STUCK_MS = 10 * 60_000;
/** Parts of a lease. */
const LOOK = 1 / 15;
const SILENT = 1 / 5;
const REPORT = 1 / 3;

/** A service that is not there, or does not answer in time, is told again. */
const ANNOUNCE_AGAIN_MS = 500;
const ANNOUNCE_TIMEOUT_MS = 2000;

type Kept = { readonly attempt: AttemptId; readonly leaseMs: number; readonly timer: ReturnType<typeof setInterval>; stream?: Stream };
type Stream = { readonly due: ReturnType<typeof createPulse>; reportedAt: number; ended: boolean };

const { address, options } = workerData as HeartbeatSetup;
const kept = new Map<string, Kept>();
let aliveAt = performance.now();
/** Nothing connects before the first call. Nor is anything loaded then: on Node that waits for the other thread. */
let client: ServiceClient<typeof FinetuneService> | undefined;
const finetune = () => {
  client ??= connect(address, options).client(FinetuneService);
  return client;
};

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
    await finetune().reportProgress(reports(), { timeoutMs: 0 });
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

/** Says again and again that the trainer is there, unless the other thread is stuck in an attempt. */
async function announce(trainer: Announced): Promise<void> {
  for (;;) {
    let waitMs = ANNOUNCE_AGAIN_MS;
    try {
      if (kept.size === 0 || performance.now() - aliveAt < STUCK_MS) {
        const { leaseSeconds } = await finetune().announceTrainer(
          { trainer, contract: CONTRACT },
          { timeoutMs: ANNOUNCE_TIMEOUT_MS, untraced: true },
        );
        waitMs = (1000 * leaseSeconds) / 3;
        parentPort?.postMessage({ heard: true } satisfies HeartbeatReply);
      }
    } catch (error) {
      if (isRpcError(error, Code.FAILED_PRECONDITION, "CONTRACT_UNKNOWN") || isRpcError(error, Code.INVALID_ARGUMENT)) {
        parentPort?.postMessage({ refused: error.message } satisfies HeartbeatReply);
        return;
      }
    }
    await sleep(waitMs);
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
  if (request.type === "announce") void announce(request.trainer);
  if (request.type !== "keep") return;
  const { key, attempt, leaseMs } = request;
  const one: Kept = { attempt, leaseMs, timer: setInterval(() => look(key, one), LOOK * leaseMs) };
  kept.set(key, one);
});
