import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "#libs/testing";
import { mountSmallDisk, whyNoSmallDisk } from "../small-disk.ts";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { startDistributed } from "./distributed.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";

/** How long the disk stays full. */
const FULL_MS = 5_000;

/**
 * The disk of the catalog is full in the middle of a run, and has room again some seconds later: everybody waits, and the run goes on by
 * itself. A disk that is too small from the beginning is a client's error, which `test/e2e` looks at.
 */
export const fullDisk: Case = {
  name: "full-disk",
  subset: true,
  limitMs: 300_000,
  async run({ directory, signal, reference }) {
    const why = await whyNoSmallDisk(join(directory, "probe"));
    if (why !== undefined) return `nothing: ${why}`;
    const sandbox = await makeSandbox(directory);
    let said = "";
    {
      await using disk = await mountSmallDisk(join(sandbox.data, "catalog"), "64m");
      {
        await using distributed = await startDistributed(sandbox);
        const recycled = recycle(distributed.address, await runFileOf(1), { signal });
        recycled.catch(() => undefined);
        const used = async () => {
          const { blocks, bfree, bsize } = await statfs(disk.path);
          return (blocks - bfree) * bsize;
        };
        const before = await used();
        await waitFor(async () => (await used()) > before + 1_500_000, { timeoutMs: 120_000, what: "models on the disk" });
        // What is there fits, and next to nothing more. A remount refuses when more was written since the look.
        const shrink = async () => {
          await disk.resize(`${Math.ceil((await used()) / 4096) * 4}k`);
          return true;
        };
        await waitFor(shrink, { what: "a disk with no room left" });
        await sleep(FULL_MS, undefined, { signal });
        const { bfree, bsize } = await statfs(disk.path);
        const free = bfree * bsize;
        await disk.resize("64m");
        assert.ok(free < 500_000, `${free} bytes were free`);
        const { jobs, attempts } = await checkRunning(distributed, 1, await recycled, reference());
        said = `full for ${FULL_MS / 1000} s, ${attempts} attempts for ${jobs} jobs`;
      }
      await checkStopped(sandbox);
    }
    return said;
  },
};
