/**
 * Times trainings of mnist-cnn on JPEGs against the same steps with nothing around them, in turns, and watches memory over many small steps.
 * Prints JSON. Usage: loop-process.ts FOLDER TURNS STEPS SMALL_STEPS
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openBatches, openLoader } from "#libs/batches";
import { type NetworkStep, type NetworkTraining, openEngine, runNetworkSteps, trainNetwork } from "#libs/learning";
import { initialise, networkOf } from "#libs/networks";

export type LoopTimes = {
  readonly bareMs: readonly number[];
  readonly loopMs: readonly number[];
  readonly tensors: readonly [before: number, after: number];
  /** Resident memory in bytes after a fifth of the small steps, and after all. */
  readonly resident: readonly [early: number, late: number];
};

const [folder = "", turns = "", steps = "", smallSteps = ""] = process.argv.slice(2);
const names = readdirSync(folder).sort();
const files = names.map((name) => ({ path: join(folder, name), offset: 0, bytes: statSync(join(folder, name)).size }));
const network = networkOf("mnist-cnn", { classes: 10, channels: 1, size: 28 });
await using loader = openLoader({
  images: { labels: Int32Array.from(names, (_, row) => row % 10), fileOf: (row) => files[row]!, nameOf: (row) => names[row]! },
  shape: { channels: 1, height: 28, width: 28 },
  threads: 1,
  cacheBytes: 1e8,
});
const engine = await openEngine("tfjs-node");
const weights = initialise(network, 1);
const training = (batch: number, count: number): NetworkTraining => ({
  engine,
  network,
  weights,
  seed: 1,
  validation: [],
  batches: (fromStep) =>
    openBatches({ loader, domains: [names.map((_, row) => row)], seed: 1, batch, replacement: false, transform: "none/1", fromStep }),
  parameters: {
    network: { name: "mnist-cnn" },
    classes: 10,
    domains: ["all"],
    optimiser: { name: "adam", learningRate: 1e-4, weightDecay: 1e-4 },
    steps: count,
    batch,
    transform: { training: "none/1", validation: "none/1" },
  },
});

/** Milliseconds of all steps but the first, which comes with preparation, as if they were all. */
async function timeLoop(loop: AsyncGenerator<NetworkStep>, count: number): Promise<number> {
  await loop.next();
  const startedMs = performance.now();
  for await (const _ of loop);
  return ((performance.now() - startedMs) * count) / (count - 1);
}

const before = engine.kernels.count;
const count = Number(steps);
const batch = await training(64, 1).batches(1).batch(1);
const times = { bareMs: [] as number[], loopMs: [] as number[] };
for (let turn = 0; turn < Number(turns); turn++) {
  using bare = runNetworkSteps({ engine, network, weights, batch });
  bare.run(1);
  times.bareMs.push(bare.run(count));
  times.loopMs.push(await timeLoop(trainNetwork(training(64, count)), count));
}

const resident: number[] = [];
for await (const { step } of trainNetwork(training(1, Number(smallSteps))))
  if (step === Math.ceil(Number(smallSteps) / 5) || step === Number(smallSteps)) resident.push(process.memoryUsage.rss());
const [early = 0, late = 0] = resident;
process.stdout.write(JSON.stringify({ ...times, tensors: [before, engine.kernels.count], resident: [early, late] } satisfies LoopTimes));
