import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes of the heap that are in use after a full garbage collection, on any of the three runtimes. */
export function usedHeapBytes(): number {
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
