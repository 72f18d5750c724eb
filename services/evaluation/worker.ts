/** The thread that computes evaluations: one job at a time, with a backend of its own. */
import { parentPort } from "node:worker_threads";
import { InvalidEvaluationError } from "./errors.ts";
import { type Computed, type EvaluationJob, runEvaluation } from "./run-evaluation.ts";
import type { WorkerReply, WorkerRequest } from "./worker-protocol.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts runs in a worker thread only");

port.on("message", async ({ job, cancelled }: WorkerRequest<EvaluationJob>) => {
  const checkCancelled = () => {
    if (Atomics.load(cancelled, 0) === 1) throw new Error("the evaluation was cancelled");
  };
  const beganMs = performance.now();
  port.postMessage(
    await reply(async () => {
      const result = await runEvaluation(job, checkCancelled);
      return { result, computeMs: performance.now() - beganMs };
    }),
  );
});

async function reply(run: () => Promise<Computed>): Promise<WorkerReply<Computed>> {
  try {
    return { result: await run() };
  } catch (error) {
    if (error instanceof InvalidEvaluationError) return { message: error.message, violations: error.violations };
    return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
