/** What every worker thread of `openThreads` runs: the module it is told to, set up as it is told first, one unit after another, in the order in which they come. */
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "./plain-error.ts";
import { setUp } from "./set-up.ts";
import type { Runner } from "./types.ts";
import type { WorkerData, WorkerReply, WorkerRequest } from "./workers.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts runs in a worker thread only");

const { module } = workerData as WorkerData;
// Loaded while nobody says yet what it is set up with. Where that fails, setting it up does too, and tells of it.
import(module).catch(() => undefined);
let runner: () => Promise<Runner<unknown, unknown>>;

async function answer(id: number, unit: unknown): Promise<void> {
  try {
    const opened = await runner();
    const result = await opened.run(unit);
    send({ id, result }, opened.transfer?.(result));
  } catch (error) {
    // A result that cannot be sent is an error, too: nobody may wait for ever.
    send({ id, error: plainError(error) });
  }
}

async function close(): Promise<void> {
  const opened = await runner().catch(() => undefined);
  opened?.close();
  send({ closed: true });
}

function send(reply: WorkerReply, transfer: readonly ArrayBuffer[] = []): void {
  port!.postMessage(reply, transfer);
}

let last: Promise<void> = Promise.resolve();
port.on("message", (request: WorkerRequest) => {
  if ("setup" in request) {
    const { setup, cancelled } = request;
    runner = setUp(module, setup, { cancelled: () => Atomics.load(cancelled, 0) === 1 });
    return;
  }
  last = last.then(() => ("end" in request ? close() : answer(request.id, request.unit)));
});
