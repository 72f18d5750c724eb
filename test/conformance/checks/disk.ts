import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { AttemptOutcome, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { nameOf } from "../../faults/holdings.ts";
import { mountSmallDisk, whyNoSmallDisk } from "../../small-disk.ts";
import { type Check, demand } from "../check.ts";
import { describeJob } from "../jobs.ts";
import { trainShort } from "../long-job.ts";

/** Attempts that are not waited for any longer. */
const MOST_ATTEMPTS = 4;

/** A disk without room. */
export const disk: Check = {
  name: "disk",
  about: "fails a job, or gives it to others, with a sentence, when its disk is full (TMPDIR and RATATOUILLE_CACHE_DIR), and lives on",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, restart, dismiss, newSeed, directory } = bench;
    const why = await whyNoSmallDisk(join(directory, "probe"));
    if (why !== undefined) return `nothing: ${why}`;
    const task = await bench.task();
    const start = await bench.foundation();
    await using small = await mountSmallDisk(join(directory, "disk"), "256m");
    // First of all who uses the disk goes.
    await using _last = { [Symbol.asyncDispose]: dismiss };
    const env = { TMPDIR: small.path, RATATOUILLE_CACHE_DIR: join(small.path, "cache") };
    const running = await restart(env);
    const filler = join(small.path, "filler");
    await fill(filler);
    const { id } = await jobs.submit(task.training({ seed: newSeed(), weights: start }), task);
    const what = "the end of a job of a trainer whose disk is full, or an attempt that failed";
    const over = await jobs.until(
      id,
      ({ state, attempts }) =>
        state > JobState.RUNNING ||
        attempts.some(({ outcome }) => outcome === AttemptOutcome.FAILED) ||
        attempts.length > MOST_ATTEMPTS ||
        !running.process.running(),
      what,
    );
    demand(running.process.running(), "the trainer ended when its disk was full");
    const failed = over.attempts.find(({ outcome }) => outcome === AttemptOutcome.FAILED);
    const given = over.attempts.map(({ outcome }) => nameOf(AttemptOutcome, outcome)).join(", ");
    demand(
      over.state === JobState.SUCCEEDED || failed,
      `its disk is full, and nobody learns it: its attempts ended as ${given}; FailAttempt says so (elsewhere)`,
    );
    demand(failed === undefined || failed.error.trim().length > 10, `its disk is full, and all that it says is "${failed?.error}"`);
    await jobs.cancel(id);
    await rm(filler);
    await trainShort(bench, 60_000);
    demand(running.process.running(), "the trainer ended after its disk had been full");
    return failed ? `said: ${failed.error.split("\n")[0]}` : `needs no disk: the job is ${describeJob(over)}`;
  },
};

/** Writes until there is no room. */
async function fill(path: string): Promise<void> {
  await using file = await open(path, "w");
  for (let size = 1 << 20; size >= 1; ) {
    const piece = Buffer.alloc(size);
    const { bytesWritten } = await file.write(piece).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
      return { bytesWritten: 0 };
    });
    if (bytesWritten < size) size >>= 1;
  }
}
