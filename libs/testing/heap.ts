import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * By how many bytes one more run of some work makes the heap grow, full garbage collections before and after, on any of the three
 * runtimes. The smallest of three growths after a first run: caches and compiled code come once, a leak comes each time.
 */
export async function heapGrowth(work: () => Promise<void>): Promise<number> {
  await work();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const before = usedHeapBytes();
    await work();
    least = Math.min(least, usedHeapBytes() - before);
  }
  return least;
}

function usedHeapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function collectGarbage(): void {
  const { Bun } = globalThis as { Bun?: { gc(full: boolean): void } };
  if (Bun) Bun.gc(true);
  else {
    // Node and Deno give the collector's handle only to contexts that are made after the flag is set.
    setFlagsFromString("--expose-gc");
    (runInNewContext("gc") as () => void)();
  }
}
