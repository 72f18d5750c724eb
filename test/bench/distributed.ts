import type { Benchmark, BenchOptions } from "./benchmark.ts";
import type { Figure } from "./figures.ts";
import { handOvers } from "./hand-over.ts";
import { recoveries } from "./recovery.ts";
import { serviceStarts } from "./service-start.ts";
import { twoTrainers } from "./two-trainers.ts";

const parts: { readonly [part: string]: (options: BenchOptions) => Promise<Figure[]> } = {
  run: twoTrainers,
  "hand-over": handOvers,
  start: serviceStarts,
  recovery: recoveries,
};

/** The system as processes over JetStream, on this machine. */
export const distributed: Benchmark = {
  summary: "the system as processes: a run against the embedded one, hand-overs of jobs, starts, recoveries",
  parts: Object.keys(parts),
  async run(options) {
    const figures: Figure[] = [];
    for (const [name, part] of Object.entries(parts))
      if (options.part === undefined || options.part === name) figures.push(...(await part(options)));
    return figures;
  },
};
