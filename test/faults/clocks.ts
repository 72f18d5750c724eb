import { setTimeout as sleep } from "node:timers/promises";
import { openLocalBus } from "#libs/bus";
import { uniform } from "#libs/deterministic";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";
import { startServices } from "./services.ts";

const HOUR_MS = 3_600_000;
/** Where the clock may stand, against the right time. */
const places = [-24 * HOUR_MS, -HOUR_MS, -1_000, 0, 1_000, HOUR_MS, 24 * HOUR_MS];

/** The clock of catalog and fine-tune service jumps forth and back while they work. */
export const clockJumps: Case = {
  name: "clock-jumps",
  subset: true,
  limitMs: 300_000,
  async run({ seed, directory, signal, reference }) {
    const sandbox = await makeSandbox(directory);
    let [aheadMs, jumps, said] = [0, 0, ""];
    {
      await using bus = await openLocalBus({ path: ":memory:" });
      await using services = await startServices({ sandbox, bus, now: () => Date.now() + aheadMs });
      for (let run = 1; run <= 2; run++) {
        const over = new AbortController();
        const recycled = recycle(services.address, await runFileOf(run), { signal }).finally(() => over.abort());
        recycled.catch(() => undefined);
        while (!over.signal.aborted) {
          aheadMs = places[Math.floor(places.length * uniform(seed, 2 * jumps))] ?? 0;
          await sleep(50 + 300 * uniform(seed, 2 * jumps + 1), undefined, { signal: over.signal }).catch(() => undefined);
          jumps += 1;
        }
        const { jobs, attempts } = await checkRunning({ address: services.address, data: sandbox.data }, run, await recycled, reference());
        said = `${run} runs, ${jumps} jumps of up to a day, ${attempts} attempts for ${jobs} jobs`;
      }
    }
    await checkStopped(sandbox);
    return said;
  },
};
