import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalSystem } from "../../deploy/local/system.ts";
import type { BenchOptions } from "./benchmark.ts";
import type { Figure } from "./figures.ts";
import { SERVICES, withSystem } from "./system.ts";

/** A service is idle when it was left alone for so long. */
const IDLE_MS = 3000;
const READY_MS = 30_000;

/** How long a service takes from the start of its process until it says that it is ready, and the memory that it then has. */
export async function serviceStarts({ runs, say }: BenchOptions): Promise<Figure[]> {
  return withSystem({ trainers: 0 }, async (system) => {
    const starts = new Map<string, number[]>(SERVICES.map((name) => [name, []]));
    for (let run = 1; run <= runs; run++) {
      say(`run ${run} of ${runs}: starts of ${SERVICES.length} services`);
      for (const name of SERVICES) starts.get(name)!.push(await startMs(system, name));
    }
    say("idle memory");
    await sleep(IDLE_MS);
    const figures: Figure[] = SERVICES.map((name) => ({
      name: `${name}: start until ready`,
      unit: "s",
      runs: starts.get(name)!.map((ms) => ms / 1000),
      atMost: 1,
    }));
    for (const name of SERVICES) figures.push(...(await memory(name, system.programs.get(name)?.pid)));
    return figures;
  });
}

async function startMs(system: LocalSystem, name: string): Promise<number> {
  const program = system.programs.get(name)!;
  await program.stop();
  const startedMs = performance.now();
  await program.start();
  await program.ready(READY_MS);
  return performance.now() - startedMs;
}

/** Resident memory, and the share of it that is not shared with other processes. Nothing where there is no /proc. */
async function memory(name: string, pid: number | undefined): Promise<Figure[]> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  const mb = (field: string) => (Number(new RegExp(`^${field}: *(\\d+) kB`, "m").exec(rollup)?.[1]) * 1024) / 1e6;
  if (rollup === "") return [];
  return [
    { name: `${name}: idle memory (RSS)`, unit: "MB", runs: [mb("Rss")], atMost: 120 },
    { name: "  of it its own (PSS)", unit: "MB", runs: [mb("Pss")] },
  ];
}
