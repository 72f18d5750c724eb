import { Worker } from "node:worker_threads";
import type { Artifacts } from "#libs/artifacts";
import type { SavedState } from "#libs/learning";
import type { ConnectOptions } from "#libs/rpc";
import { type StateBytes, stateBytes, type Uploaded, uploadState } from "./saved-states.ts";

/** Brings states of trainings to the catalog. */
export type Uploads = AsyncDisposable & {
  /** The state's buffers belong to it from then on: of a large one they are handed to another thread. */
  save(state: SavedState, signal: AbortSignal): Promise<Uploaded>;
};

/** What the other thread is started with. */
export type UploadSetup = { readonly address: string; readonly options: Pick<ConnectOptions, "token" | "tls" | "insecure"> };
export type UploadRequest = { readonly number: number; readonly state: StateBytes };
export type UploadReply = { readonly number: number } & (Uploaded | { readonly problem: string });

/** A smaller state is hashed and sent sooner than it gets into another thread. */
const LARGE_BYTES = 4 << 20;

/** Uploads by this thread, and of large states by another one, which is started for the first of them and connects to the catalog itself. */
export function createUploads(setup: UploadSetup, artifacts: Artifacts): Uploads {
  const pending = new Map<number, PromiseWithResolvers<Uploaded>>();
  let worker: Worker | undefined;
  let count = 0;

  const end = (error: Error) => {
    worker = undefined;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  const started = (): Worker => {
    if (worker) return worker;
    const own = new Worker(new URL("upload-thread.ts", import.meta.url), { workerData: setup });
    own.unref();
    own.on("message", (reply: UploadReply) => {
      const waiting = pending.get(reply.number);
      pending.delete(reply.number);
      if ("problem" in reply) waiting?.reject(new Error(reply.problem));
      else waiting?.resolve(reply);
    });
    own.on("error", end);
    own.on("exit", () => end(new Error("the thread ended that sends checkpoints")));
    worker = own;
    return own;
  };

  return {
    async save(state, signal) {
      signal.throwIfAborted();
      if (stateBytes(state) < LARGE_BYTES) return uploadState(state, artifacts, signal);
      count += 1;
      const number = count;
      const uploaded = Promise.withResolvers<Uploaded>();
      const give = () => uploaded.reject(signal.reason);
      pending.set(number, uploaded);
      signal.addEventListener("abort", give, { once: true });
      const { tensors, metadata } = state;
      const buffers = new Set(tensors.map(({ data }) => data.buffer as ArrayBuffer));
      started().postMessage({ number, state: { tensors, metadata } } satisfies UploadRequest, [...buffers]);
      return await uploaded.promise.finally(() => signal.removeEventListener("abort", give));
    },
    async [Symbol.asyncDispose]() {
      await worker?.terminate();
    },
  };
}
