import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "#libs/testing";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { startDistributed } from "./distributed.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";
import { type Kill, scheduleKills } from "./schedule.ts";

/** A run may be disturbed so often; then it has to come to an end. */
const KILLS_A_RUN = 10;
/** Seeds of runs on one system, so that undisturbed runs need not be many. */
const RUNS_A_SYSTEM = 6;

/** Kills processes of every kind, each so many times, several in each run. */
export function kills(name: string, each: number, { part, subset, limitMs }: Pick<Case, "subset" | "limitMs"> & { part: number }): Case {
  return {
    name,
    subset,
    limitMs,
    async run({ seed, directory, signal, reference, killed }) {
      const left = scheduleKills(1000 * seed + part, each, { leastMs: 50, mostMs: 900 });
      const count = { kills: left.length, runs: 0, interruptions: 0, jobs: 0, attempts: 0 };
      for (let system = 1; left.length > 0; system++) {
        const sandbox = await makeSandbox(directory, `system-${system}`);
        {
          await using distributed = await startDistributed(sandbox);
          const last = { jobs: 0, attempts: 0 };
          for (let run = 1; run <= RUNS_A_SYSTEM && left.length > 0; run++) {
            const over = new AbortController();
            const recycled = recycle(distributed.address, await runFileOf(run), { signal }).finally(() => over.abort());
            recycled.catch(() => undefined);
            for (let blow = 0; blow < KILLS_A_RUN && left.length > 0; blow++) {
              const [next] = left as [Kill];
              const quiet = AbortSignal.any([over.signal, signal]);
              await sleep(next.afterMs, undefined, { signal: quiet }).catch(() => undefined);
              await waitFor(() => quiet.aborted || distributed.kill(next.kind, next.which), { timeoutMs: 20_000, what: `a ${next.kind}` });
              if (quiet.aborted) break;
              left.shift();
              killed(next.kind);
            }
            const { interruptions } = await recycled;
            Object.assign(last, await checkRunning(distributed, run, await recycled, reference()));
            count.runs += 1;
            count.interruptions += interruptions.length;
          }
          count.jobs += last.jobs;
          count.attempts += last.attempts;
        }
        await checkStopped(sandbox);
      }
      return `${count.kills} kills in ${count.runs} runs, ${count.attempts} attempts for ${count.jobs} jobs, ${count.interruptions} times the client had to begin again`;
    },
  };
}
