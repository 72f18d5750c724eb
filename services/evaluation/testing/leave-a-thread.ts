/** Runs one job and ends without closing the pool. It must end at once. */
import { createWorkerPool } from "../worker-pool.ts";
import type { TestJob, TestResult } from "./jobs-worker.ts";

const pool = createWorkerPool<TestJob, TestResult>({ module: new URL("./jobs-worker.ts", import.meta.url), workers: 1 });
const job: TestJob = { do: "count", bytes: Uint8Array.of(1, 2) };
const { value } = await pool.run(() => ({ job, transfer: [] }), new AbortController().signal);
process.stdout.write(`${value}\n`);
