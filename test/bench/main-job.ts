import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { runProgram, runScript } from "./child.ts";
import type { Figure } from "./figures.ts";
import { trainingLoop } from "./training-loop.ts";

/** What bare-process.ts prints. CPU times are those of the whole process, start included. */
export type BareTimes = {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly jobs: number;
  readonly cpuMsByKind: { readonly [kind: string]: number };
};

/** One repetition. */
type Times = { readonly firstLineMs: number; readonly wallMs: number; readonly repeatedMs: number; readonly bare: BareTimes };

/** Seconds that `examples/digits.yaml` may take on two cores, and `examples/tiny.yaml`. */
const WALL_BUDGETS: { readonly [file: string]: number } = { "examples/digits.yaml": 180, "examples/tiny.yaml": 5 };

/**
 * `./ratatouille recycle FILE` as a person runs it, from a fresh data directory and once more, against the same jobs one after another in
 * one bare process. Overhead: wall time × cores / CPU time of the bare process.
 */
export const mainJob: Benchmark = {
  summary: "./ratatouille recycle FILE, fresh and repeated, against its jobs in one bare process",
  async run(options) {
    const times: Times[] = [];
    for (let run = 1; run <= options.runs; run++) times.push(await measure(options, run));
    return [...figures(times, options), ...(await trainingLoop.run(options))];
  },
};

async function measure({ file, runs, cores, say }: BenchOptions, run: number): Promise<Times> {
  const directory = await mkdtemp(join(tmpdir(), "ratatouille-bench-"));
  const recycle = () => runProgram("./ratatouille", recycleArguments(file, directory, cores));
  try {
    say(`run ${run} of ${runs}: ${file} in a fresh data directory`);
    const fresh = await recycle();
    say(`run ${run} of ${runs}: repeated`);
    const repeated = await recycle();
    say(`run ${run} of ${runs}: its jobs in one bare process`);
    const bare = await runScript<BareTimes>("./bare-process.ts", [file]);
    return { firstLineMs: fresh.firstOutputMs ?? fresh.wallMs, wallMs: fresh.wallMs, repeatedMs: repeated.wallMs, bare };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function recycleArguments(file: string, directory: string, cores: number): string[] {
  return ["recycle", file, "--data", join(directory, "data"), "--out", join(directory, "out"), "--trainers", String(cores)];
}

function figures(times: readonly Times[], { file, cores }: BenchOptions): Figure[] {
  const seconds = (value: (times: Times) => number) => times.map((entry) => value(entry) / 1000);
  const wallBudget = WALL_BUDGETS[file];
  const kinds = Object.keys(times[0]?.bare.cpuMsByKind ?? {});
  return [
    { name: "fresh run", unit: "s", runs: seconds(({ wallMs }) => wallMs), ...(wallBudget === undefined ? {} : { atMost: wallBudget }) },
    { name: "first progress line", unit: "s", runs: seconds(({ firstLineMs }) => firstLineMs), atMost: 2 },
    { name: "repeated run", unit: "s", runs: seconds(({ repeatedMs }) => repeatedMs), atMost: 3 },
    { name: "bare process", unit: "s CPU", runs: seconds(({ bare }) => bare.cpuMs) },
    ...kinds.map((kind) => ({ name: `  of it ${kind}`, unit: "s CPU", runs: seconds(({ bare }) => bare.cpuMsByKind[kind] ?? 0) })),
    { name: "jobs", unit: "", runs: times.map(({ bare }) => bare.jobs) },
    {
      name: `overhead (wall × ${cores} cores / bare CPU)`,
      unit: "",
      runs: times.map(({ wallMs, bare }) => (wallMs * cores) / bare.cpuMs),
      atMost: 1.15,
    },
  ];
}
