/** What every worker thread of `openThreads` runs: the module it is told to, one unit after another, in the order in which they come. */
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "./plain-error.ts";
import type { ThreadData, ThreadModule, ThreadReply, ThreadRequest } from "./threads.ts";

const port = parentPort;
if (port === null) throw new Error("thread.ts runs in a worker thread only");

const { module, setup, cancelled } = workerData as ThreadData;
const runner = (import(module) as Promise<ThreadModule<unknown, unknown, unknown>>).then((loaded) =>
  loaded.setup(setup, { cancelled: () => Atomics.load(cancelled, 0) === 1 }),
);
runner.catch(() => undefined); // every unit says so

async function answer(id: number, unit: unknown): Promise<[ThreadReply, ArrayBuffer[]]> {
  try {
    const opened = await runner;
    const result = await opened.run(unit);
    return [{ id, result }, opened.transfer?.(result) ?? []];
  } catch (error) {
    return [{ id, error: plainError(error) }, []];
  }
}

async function close(): Promise<[ThreadReply, ArrayBuffer[]]> {
  const opened = await runner.catch(() => undefined);
  opened?.close();
  return [{ closed: true }, []];
}

let last: Promise<void> = Promise.resolve();
port.on("message", (request: ThreadRequest) => {
  last = last.then(async () => port.postMessage(...("end" in request ? await close() : await answer(request.id, request.unit))));
});
