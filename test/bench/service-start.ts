import { setTimeout as sleep } from "node:timers/promises";
import type { LocalSystem } from "../../deploy/local/system.ts";
import type { BenchOptions } from "./benchmark.ts";
import type { Figure } from "./figures.ts";
import { cpuTimeOfMs, memoryOf } from "./process-facts.ts";
import { SERVICES, withSystem } from "./system.ts";

/** A service is idle when it was left alone for so long. */
const IDLE_MS = 3000;
const READY_MS = 30_000;

type Start = { readonly wallMs: number; readonly cpuMs: number | undefined };

/** How long a service takes from the start of its process until it says that it is ready, and the memory that it then has. */
export async function serviceStarts({ runs, say }: BenchOptions): Promise<Figure[]> {
  return withSystem({ trainers: 0 }, async (system) => {
    const starts = new Map<string, Start[]>(SERVICES.map((name) => [name, []]));
    for (let run = 1; run <= runs; run++) {
      say(`run ${run} of ${runs}: starts of ${SERVICES.length} services`);
      for (const name of SERVICES) starts.get(name)!.push(await start(system, name));
    }
    say("idle memory");
    await sleep(IDLE_MS);
    const figures: Figure[] = [];
    for (const name of SERVICES) {
      const own = starts.get(name)!;
      const memory = await memoryOf(system.programs.get(name)?.pid);
      figures.push({ name: `${name}: start until ready`, unit: "s", runs: own.map(({ wallMs }) => wallMs / 1000), atMost: 1 });
      if (memory === undefined) continue; // no /proc here
      figures.push(
        { name: "  CPU time of it", unit: "s", runs: own.map(({ cpuMs = Number.NaN }) => cpuMs / 1000) },
        { name: "  idle memory (RSS)", unit: "MB", runs: [memory.rssMb], atMost: 120 },
        { name: "  its share of it (PSS)", unit: "MB", runs: [memory.pssMb] },
      );
    }
    return figures;
  });
}

async function start(system: LocalSystem, name: string): Promise<Start> {
  const program = system.programs.get(name)!;
  await program.stop();
  const startedMs = performance.now();
  await program.start();
  await program.ready(READY_MS);
  return { wallMs: performance.now() - startedMs, cpuMs: await cpuTimeOfMs(program.pid) };
}
