import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { waitFor } from "#libs/testing";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { holdingsOf, jobsOf } from "./holdings.ts";
import type { Recycled } from "./recycle.ts";
import type { Reference } from "./reference.ts";
import { processesOf, unpublishedEvents, wrongFiles } from "./remains.ts";

/**
 * The check of a system that runs: the run of this seed, after those of all smaller seeds, made what an undisturbed one makes, the catalog
 * and the jobs are those of an undisturbed system, and every event was published. Returns the attempts that all jobs took.
 */
export async function checkRunning(
  { address, data }: { readonly address: string; readonly data: string },
  seed: number,
  { digests }: Recycled,
  reference: Reference,
): Promise<{ readonly jobs: number; readonly attempts: number }> {
  assert.deepEqual(digests, await reference.digests(seed));
  // A run that found an artifact in the catalog need not wait for the job whose trainer died between publishing it and saying so.
  const open: readonly JobState[] = [JobState.QUEUED, JobState.RUNNING];
  const allEnded = async () => (await jobsOf(address)).every(({ state }) => !open.includes(state));
  await waitFor(allEnded, { timeoutMs: 60_000, intervalMs: 50, what: "the end of all jobs" });
  const [held, expected] = [await holdingsOf(address), await reference.holdings(seed)];
  for (const what of ["artifacts", "refs", "jobs"] as const) assert.deepEqual(held[what], expected[what], `other ${what}`);
  await waitFor(async () => (await unpublishedEvents(data)).length === 0, { timeoutMs: 20_000, what: "the publication of all events" });
  const jobs = await jobsOf(address);
  return { jobs: jobs.length, attempts: jobs.reduce((sum, { attempt }) => sum + attempt, 0) };
}

/** The check of a system that has stopped: sound files, no process, no temporary file. */
export async function checkStopped({
  data,
  temporary,
  mark,
}: {
  readonly data: string;
  readonly temporary: string;
  readonly mark: string;
}): Promise<void> {
  await waitFor(() => processesOf(mark).length === 0, { timeoutMs: 5_000, what: "the end of all processes" }).catch((cause: unknown) => {
    throw new Error(`processes are left:\n${processesOf(mark).join("\n")}`, { cause });
  });
  assert.deepEqual(await wrongFiles(data), []);
  assert.deepEqual(await readdir(temporary), [], "temporary files are left");
}
