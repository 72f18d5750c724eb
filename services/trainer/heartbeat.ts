import { Worker } from "node:worker_threads";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectOptions } from "#libs/rpc";
import { UsageError } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import type { TrainerSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptId } from "./attempt-id.ts";

/**
 * Says that the trainer is there, and keeps the leases of its attempts while the thread that trains cannot: that sends reports itself, and a
 * step that takes long leaves it no turn to.
 */
export type Heartbeat = AsyncDisposable & {
  /** Resolves when it can keep leases, or never will, which the log says. */
  readonly ready: Promise<void>;
  /** Begins to announce the trainer, again and again. Resolves when the service has heard of it for the first time, or refuses it. */
  announce(trainer: Announced): Promise<void>;
  /** Aborts when the service refuses the trainer for good, with a UsageError that says why: it speaks another version, for example. */
  readonly refused: AbortSignal;
  /**
   * Begins to keep an attempt's lease, until it is disposed of.
   * @param onLost hears that the attempt does not have its job any more
   */
  keep(attempt: AttemptId, leaseSeconds: number, onLost: (why: string) => void): Disposable;
};

/** A trainer as it announces itself; plain data. */
export type Announced = Extract<MessageInitShape<typeof TrainerSchema>, { readonly $typeName?: never }>;

/** What the other thread is started with. */
export type HeartbeatSetup = { readonly address: string; readonly options: Pick<ConnectOptions, "token" | "tls" | "insecure"> };
/** What it is told. `alive`: this thread has its turns. */
export type HeartbeatRequest =
  | { readonly type: "keep"; readonly key: string; readonly attempt: AttemptId; readonly leaseMs: number }
  | { readonly type: "leave"; readonly key: string }
  | { readonly type: "announce"; readonly trainer: Announced }
  | { readonly type: "alive" };
/** What it says. */
export type HeartbeatReply =
  | { readonly ready: true }
  | { readonly heard: true }
  | { readonly refused: string }
  | { readonly key: string; readonly lost: string };

/** How often in the time of a lease this thread says that it lives. */
const SIGNS_PER_LEASE = 15;

/** Starts the other thread, which connects to the fine-tune service once it has to. */
export function startHeartbeat(setup: HeartbeatSetup, log: Logger): Heartbeat {
  const worker = new Worker(new URL("heartbeat-thread.ts", import.meta.url), { workerData: setup });
  worker.unref();
  const listeners = new Map<string, (why: string) => void>();
  const tell = (request: HeartbeatRequest) => worker.postMessage(request);
  const ready = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  const refused = new AbortController();
  worker.on("message", (reply: HeartbeatReply) => {
    if ("ready" in reply) ready.resolve();
    else if ("heard" in reply) heard.resolve();
    else if ("refused" in reply) {
      refused.abort(new UsageError(`the server refuses this trainer: ${reply.refused}`));
      heard.resolve();
    } else listeners.get(reply.key)?.(reply.lost);
  });
  // Trainings go on without it, as long as their steps are short.
  worker.on("error", (err) => {
    log.error({ err }, "the thread ended that keeps leases while a step takes long");
    ready.resolve();
  });
  worker.on("exit", () => ready.resolve());
  return {
    ready: ready.promise,
    refused: refused.signal,
    announce(trainer) {
      tell({ type: "announce", trainer });
      return heard.promise;
    },
    keep(attempt, leaseSeconds, onLost) {
      const key = `${attempt.jobId}/${attempt.attempt}`;
      const leaseMs = leaseSeconds * 1000;
      listeners.set(key, onLost);
      tell({ type: "keep", key, attempt, leaseMs });
      const timer = setInterval(() => tell({ type: "alive" }), leaseMs / SIGNS_PER_LEASE);
      timer.unref();
      return {
        [Symbol.dispose]() {
          clearInterval(timer);
          listeners.delete(key);
          tell({ type: "leave", key });
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
