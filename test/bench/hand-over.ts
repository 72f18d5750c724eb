import { canonicalRecipe, type Recipe } from "#libs/recipes";
import { connect, type ServiceClient } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { FinetuneService, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { LocalSystem } from "../../deploy/local/system.ts";
import type { BenchOptions } from "./benchmark.ts";
import { startScript } from "./child.ts";
import { type Figure, median, quantile } from "./figures.ts";
import { cpuTimeOfMs } from "./process-facts.ts";
import { withSystem } from "./system.ts";

/** What one trainer notes, in milliseconds since 1970. */
export type TrainerTimes = {
  /** When the trainer was done with a job. */
  readonly freeAtMs: readonly number[];
  /** When it was told that its next job had begun: one more than `freeAtMs`, or as many. */
  readonly begunAtMs: readonly number[];
};

/** What hand-over-process.ts prints. */
export type HandOverTimes = {
  readonly trainers: readonly TrainerTimes[];
  /** CPU time of the process since it has loaded its code. */
  readonly cpuMs: number;
};

type CpuMs = { readonly [program: string]: number };

type HandOvers = {
  readonly gapsMs: readonly number[];
  readonly perSecond: number;
  readonly submittedPerSecond: number;
  readonly cpuMsPerJob: CpuMs;
};

/** Each process has half of the trainers. */
const PROCESSES = 2;
const SUBMITTED_AT_ONCE = 16;
const PATIENCE_MS = 300_000;

/** How many trainers, and how they reach the others: each by its own address, or all by the gateway's, as trainers do unless told otherwise. */
const ways = [
  { trainers: 2, addresses: directly, said: "each by its address" },
  { trainers: 2, addresses: throughGateway, said: "through the gateway" },
  { trainers: 50, addresses: directly, said: "each by its address" },
] as const;

/** How long a trainer that is free waits for its next job, with many in the queue. Every job is the drawing of four small images. */
export async function handOvers({ runs, jobs, say }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { trainers, addresses, said } of ways) {
    const way = `${trainers} trainers, ${said}`;
    const times: HandOvers[] = [];
    for (let run = 1; run <= runs; run++) {
      say(`run ${run} of ${runs}: ${jobs} queued jobs for ${way}`);
      times.push(await measure(jobs, trainers, addresses));
    }
    figures.push(
      { name: `${way}: hand-overs`, unit: "/s", runs: times.map(({ perSecond }) => perSecond), atLeast: 200 },
      ...(trainers > PROCESSES ? [] : gapFigures(times)),
      ...cpuFigures(times),
      { name: "  jobs submitted before", unit: "/s", runs: times.map(({ submittedPerSecond }) => submittedPerSecond) },
    );
  }
  return figures;
}

/** Of many trainers on few cores they say how long the others' jobs take. */
function gapFigures(times: readonly HandOvers[]): Figure[] {
  return [
    { name: "  trainer free to next job begun, median", unit: "ms", runs: times.map(({ gapsMs }) => median(gapsMs)), atMost: 50 },
    { name: "  99th percentile", unit: "ms", runs: times.map(({ gapsMs }) => quantile(gapsMs, 0.99)), atMost: 250 },
  ];
}

/** What hand-over-process.ts is told. */
function directly({ programs }: LocalSystem): readonly string[] {
  return ["catalog", "finetune"].map((name) => programs.get(name)?.address ?? "");
}

function throughGateway({ address }: LocalSystem): readonly string[] {
  return [address, address];
}

async function measure(count: number, trainerCount: number, addresses: typeof directly): Promise<HandOvers> {
  return withSystem({ trainers: 0 }, async (system) => {
    using channel = connect(system.programs.get("finetune")?.address ?? "");
    const jobs = channel.client(FinetuneService);
    const submittedPerSecond = await submit(jobs, count);
    const before = await cpuOfPrograms(system);
    using started = new DisposableStack();
    const each = String(trainerCount / PROCESSES);
    const processes = Array.from({ length: PROCESSES }, (_, index) =>
      started.use(startScript<HandOverTimes>("./hand-over-process.ts", [`trainer-${index + 1}`, each, ...addresses(system)])),
    );
    const ended = waitFor(() => allEnded(jobs), { timeoutMs: PATIENCE_MS, intervalMs: 100, what: "the end of all jobs" });
    await Promise.race([ended, ...processes.map(({ result }) => result)]);
    const times = await Promise.all(processes.map((one) => one.end()));
    const after = await cpuOfPrograms(system);
    const used = Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / count] as const);
    const trainersMs = times.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    const cpuMsPerJob = { ...Object.fromEntries(used), trainers: trainersMs / count };
    return { ...handOversOf(times.flatMap(({ trainers }) => trainers)), submittedPerSecond, cpuMsPerJob };
  });
}

/** CPU time of what takes part in a hand-over. Nothing where there is no /proc. */
async function cpuOfPrograms({ programs }: LocalSystem): Promise<CpuMs> {
  const used: { [program: string]: number } = {};
  for (const name of ["nats-server", "finetune", "gateway"]) {
    const cpuMs = await cpuTimeOfMs(programs.get(name)?.pid);
    if (cpuMs !== undefined) used[name] = cpuMs;
  }
  return used;
}

/** What a job costs from its offer to its end. It bounds how many there can be a second, and depends little on what else the machine does. */
function cpuFigures(times: readonly HandOvers[]): Figure[] {
  const names = Object.keys(times[0]?.cpuMsPerJob ?? {});
  return names.map((name) => ({
    name: `  CPU time of ${name} for each`,
    unit: "ms",
    runs: times.map(({ cpuMsPerJob }) => cpuMsPerJob[name] ?? 0),
  }));
}

/** Reproductions: nothing is published, and each job is one of its own. Returns how many were taken a second. */
async function submit(jobs: ServiceClient<typeof FinetuneService>, count: number): Promise<number> {
  const startedMs = performance.now();
  let next = 0;
  const submitter = async () => {
    while (next < count) {
      const recipe = canonicalRecipe(recipeOf(next++));
      await jobs.submitJob({ recipe, label: "drawing", runId: "run-0000000000000001", reproduce: true });
    }
  };
  await Promise.all(Array.from({ length: SUBMITTED_AT_ONCE }, submitter));
  return (1000 * count) / (performance.now() - startedMs);
}

function recipeOf(seed: number): Recipe {
  const parameters = { generator: "glyphs/1", classes: 2, images: 4, styles: ["plain"], rotation: 0, alphabetSeed: 1 };
  return { kind: "dataset", inputs: {}, seed, parameters };
}

async function allEnded(jobs: ServiceClient<typeof FinetuneService>): Promise<boolean> {
  const open = await jobs.listJobs({ states: [JobState.QUEUED, JobState.RUNNING], pageSize: 1 });
  return open.jobs.length === 0;
}

/** The gaps between two jobs of one trainer, and how fast all trainers together began jobs. */
export function handOversOf(times: readonly TrainerTimes[]): Pick<HandOvers, "gapsMs" | "perSecond"> {
  const gapsMs = times.flatMap(({ freeAtMs, begunAtMs }) => begunAtMs.slice(1).map((begunMs, index) => begunMs - freeAtMs[index]!));
  const begunMs = times.flatMap(({ begunAtMs }) => begunAtMs);
  const [first, last] = [Math.min(...begunMs), Math.max(...begunMs)];
  return { gapsMs, perSecond: (1000 * (begunMs.length - 1)) / (last - first) };
}
