import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { uniform } from "#libs/deterministic";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { type Distributed, startDistributed } from "./distributed.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";

/**
 * NATS is gone for a while in each run, and comes back with its store or with an empty one.
 * @param runs how long it is gone in each run, and whether it forgets everything.
 */
export function natsOutages(
  name: string,
  runs: readonly { readonly downMs: number; readonly emptyStore: boolean }[],
  { subset, limitMs }: Pick<Case, "subset" | "limitMs">,
): Case {
  return {
    name,
    subset,
    limitMs,
    async run({ seed, directory, signal, reference }) {
      const sandbox = await makeSandbox(directory);
      let said = "";
      {
        await using distributed = await startDistributed(sandbox);
        for (const [i, { downMs, emptyStore }] of runs.entries()) {
          const recycled = recycle(distributed.address, await runFileOf(i + 1), { signal });
          recycled.catch(() => undefined);
          await sleep(200 + 1_500 * uniform(seed, i), undefined, { signal });
          await outage(distributed, { downMs, emptyStore, signal });
          const { jobs, attempts } = await checkRunning(distributed, i + 1, await recycled, reference());
          const times = runs.slice(0, i + 1).map((one) => `${one.downMs / 1000} s${one.emptyStore ? " and everything forgotten" : ""}`);
          said = `gone for ${times.join(", ")}; ${attempts} attempts for ${jobs} jobs`;
        }
      }
      await checkStopped(sandbox);
      return said;
    },
  };
}

async function outage(
  { program, data }: Distributed,
  { downMs, emptyStore, signal }: { readonly downMs: number; readonly emptyStore: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const server = program("nats-server");
  await server.stop();
  await sleep(downMs, undefined, { signal });
  if (emptyStore) await rm(join(data, "nats"), { recursive: true, force: true });
  await server.start();
}
