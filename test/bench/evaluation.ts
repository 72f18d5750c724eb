import type { Benchmark } from "./benchmark.ts";
import { runScript } from "./child.ts";

/** Seconds of CPU that measures may take on ten models. */
const BUDGETS: { readonly [measure: string]: number } = { barriers: 1.5 };

/** The measures of the evaluation service. */
export const evaluation: Benchmark = {
  summary: "evaluations of ten models of 100,000 numbers on 450 + 267 images",
  async run({ runs, say }) {
    say("evaluations of ten models");
    const times = await runScript<{ [measure: string]: number[] }>("./evaluation-process.ts", [String(runs)]);
    return Object.entries(times).map(([measure, cpuMs]) => {
      const atMost = BUDGETS[measure];
      return { name: measure, unit: "s CPU", runs: cpuMs.map((ms) => ms / 1000), ...(atMost === undefined ? {} : { atMost }) };
    });
  },
};
