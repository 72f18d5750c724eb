import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { waitFor } from "#libs/testing";
import type { Case } from "./case.ts";
import { checkRunning, checkStopped } from "./check.ts";
import { startDistributed } from "./distributed.ts";
import { recycle, runFileOf } from "./recycle.ts";
import { makeSandbox } from "./sandbox.ts";

const execute = promisify(execFile);

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
    if (process.getuid?.() !== 0) return "nothing: only root can mount a small disk";
    const sandbox = await makeSandbox(directory);
    const disk = join(sandbox.data, "catalog");
    await mkdir(disk, { recursive: true });
    const resize = (size: string) => execute("mount", ["-o", `remount,size=${size}`, disk]);
    await execute("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", disk]);
    let said = "";
    try {
      {
        await using distributed = await startDistributed(sandbox);
        const recycled = recycle(distributed.address, await runFileOf(1), { signal });
        recycled.catch(() => undefined);
        const used = async () => {
          const { blocks, bfree, bsize } = await statfs(disk);
          return (blocks - bfree) * bsize;
        };
        const before = await used();
        await waitFor(async () => (await used()) > before + 1_500_000, { timeoutMs: 120_000, what: "models on the disk" });
        // What is there fits, and next to nothing more. A remount refuses when more was written since the look.
        const shrink = async () => resize(`${Math.ceil((await used()) / 4096) * 4}k`);
        await waitFor(shrink, { what: "a disk with no room left" });
        await sleep(FULL_MS, undefined, { signal });
        const { bfree, bsize } = await statfs(disk);
        const free = bfree * bsize;
        await resize("64m");
        assert.ok(free < 500_000, `${free} bytes were free`);
        const { jobs, attempts } = await checkRunning(distributed, 1, await recycled, reference());
        said = `full for ${FULL_MS / 1000} s, ${attempts} attempts for ${jobs} jobs`;
      }
      await checkStopped(sandbox);
    } finally {
      await waitFor(() => execute("umount", [disk]), { what: "the end of all that uses the disk" });
    }
    return said;
  },
};
