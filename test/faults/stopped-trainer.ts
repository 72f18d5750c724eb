import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "#libs/testing";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { startDistributed } from "./distributed.ts";
import { jobsOf } from "./holdings.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";

const LEASE_SECONDS = 2;

/** Longer than the half second in which a trainer says nothing of its progress, on a fast machine too. */
const STEPS = 4_000;

/** Fine-tunings that take long enough to be stopped in the middle. */
const longer = (text: string) => text.replace("members: 3\n  steps: 30", `members: 3\n  steps: ${STEPS}`);

/**
 * A trainer is stopped in mid-training until its lease has run out and another one has its job; then it goes on, and whatever it still does
 * has no effect.
 */
export const stoppedTrainer: Case = {
  name: "stopped-trainer",
  subset: true,
  limitMs: 300_000,
  async run({ directory, signal, reference }) {
    const sandbox = await makeSandbox(directory);
    let said = "";
    {
      await using distributed = await startDistributed(sandbox, { env: { RATATOUILLE_LEASE_SECONDS: String(LEASE_SECONDS) } });
      const { address, program } = distributed;
      const trainer = program("trainer-1");
      const recycled = recycle(address, await runFileOf(1, longer), { signal });
      recycled.catch(() => undefined);
      const heldByIt = async () =>
        (await jobsOf(address)).find(
          ({ state, trainer: name, progress }) => state === JobState.RUNNING && name === trainer.name && (progress?.steps ?? 0) >= STEPS,
        );
      let stops = 0;
      let job: Job | undefined;
      for (; job === undefined; stops++) {
        await waitFor(heldByIt, { timeoutMs: 60_000, what: "a fine-tuning in the hands of a trainer" });
        trainer.kill("SIGSTOP");
        await sleep(100, undefined, { signal }); // what was on its way arrives
        job = await heldByIt();
        if (job === undefined) trainer.kill("SIGCONT");
      }
      const { id, attempt } = job;
      const { pid, restarts } = trainer;
      const now = async () => (await jobsOf(address)).find((one) => one.id === id);
      const taken = await waitFor(async () => ((await now())?.attempt ?? 0) > attempt && now(), {
        timeoutMs: 30_000,
        what: "its next attempt",
      });
      assert.equal(taken.trainer, "trainer-2");
      trainer.kill("SIGCONT");
      const result = await recycled;
      const ended = await now();
      assert.ok((ended?.attempt ?? 0) > attempt);
      // It is the same process, and takes work again.
      assert.deepEqual([trainer.pid, trainer.restarts], [pid, restarts]);
      const { jobs, attempts } = await checkRunning(distributed, 1, result, reference(longer));
      said = `stopped ${stops} times, past a lease of ${LEASE_SECONDS} s; ${attempts} attempts for ${jobs} jobs`;
    }
    await checkStopped(sandbox);
    return said;
  },
};
