/** A thread for tests of the pool: jobs that count, wait, fail and crash. */
import { parentPort, threadId } from "node:worker_threads";
import type { WorkerReply, WorkerRequest } from "../worker-protocol.ts";

/** `wait` answers "stopped" when it is cancelled; `count` adds up the bytes; `crash` throws outside of any answer. */
export type TestJob =
  | { readonly do: "count"; readonly bytes: Uint8Array }
  | { readonly do: "wait"; readonly started: Int32Array }
  | { readonly do: "fail" | "refuse" | "crash" | "exit" };
export type TestResult = { readonly value: number; readonly thread: number };

parentPort?.on("message", ({ job, cancelled }: WorkerRequest<TestJob>) => {
  parentPort?.postMessage(run(job, cancelled));
});

function run(job: TestJob, cancelled: Int32Array): WorkerReply<TestResult> {
  switch (job.do) {
    case "count":
      return { result: { value: job.bytes.reduce((sum, byte) => sum + byte, 0), thread: threadId } };
    case "wait":
      Atomics.store(job.started, 0, 1);
      // Busy, as a computation is: the thread hears nothing but the shared word.
      while (Atomics.load(cancelled, 0) === 0);
      Atomics.store(job.started, 0, 2);
      return { message: "stopped" };
    case "fail":
      return { message: "no numbers today" };
    case "refuse":
      return { message: "refused", violations: [{ field: "recipe.x", description: "is wrong" }] };
    case "crash":
      throw new Error("out of memory, as it were");
    case "exit":
      process.exit(3);
  }
}
