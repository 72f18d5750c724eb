/**
 * Times trainings by a trainer with checkpoints as they are by default, and by one without, in turns: trainers are processes, the catalog and
 * the fine-tune service are in this one. Prints JSON. Usage: checkpoints-process.ts NETWORK SIZE BATCH STEPS TURNS [PYTHON], which has the
 * PyTorch trainer train in place of ours.
 */
import { networkOf } from "#libs/networks";
import { arithmetics, type Digest, type Json, type Recipe } from "#libs/recipes";
import { cpuTimeMs } from "#libs/service";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { classes, domains, importPictures } from "../../trainer/pictures.ts";
import { startSystem, startTrainer } from "../../trainer/system.ts";
import { startTorch } from "./start-torch.ts";

/** What trainings took, less what one of a single step takes in the same process. */
export type TrainingCosts = {
  readonly wallMs: number;
  /** Of the trainer and of this process, which has the services. */
  readonly cpuMs: number;
  /** The steps after which checkpoints were saved. */
  readonly savedAt: readonly number[];
};
export type CheckpointTimes = {
  readonly with: readonly TrainingCosts[];
  readonly without: readonly TrainingCosts[];
  /** Bytes of a checkpoint. */
  readonly bytes: number;
};

/** Longer than any training here. */
const NEVER_MS = 86_400_000;
const PATIENCE_MS = 3_600_000;
const arms = { with: {}, without: { RATATOUILLE_CHECKPOINT_MS: String(NEVER_MS) } } as const;
type Arm = keyof typeof arms;

const [name = "", size = "", batch = "", steps = "", turns = "", python] = process.argv.slice(2);
await using directory = await temporaryDirectory("ratatouille-bench-");
let saved: number[] = [];
await using system = await startSystem(directory.path, { onCheckpoint: ({ step }) => saved.push(step) });
const dataset = await madeDataset();
const costs: { readonly [A in Arm]: TrainingCosts[] } = { with: [], without: [] };
for (let turn = 0; turn < Number(turns); turn++) {
  const order: readonly Arm[] = turn % 2 === 0 ? ["without", "with"] : ["with", "without"];
  for (const arm of order) costs[arm].push(await measure(arm, turn));
}
process.stdout.write(JSON.stringify({ ...costs, bytes: stateBytes() } satisfies CheckpointTimes));

async function madeDataset(): Promise<Digest> {
  await using _trainer = startTrainer(system.address, environment("with"));
  const source = await importPictures(system.artifacts, 64);
  return await system.make({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
}

function environment(arm: Arm) {
  return { RATATOUILLE_CACHE_DIR: directory.join("cache"), ...arms[arm] };
}

/** A training of one step comes twice: first the engine is loaded, and then it takes what is the same of every training. */
async function measure(arm: Arm, turn: number): Promise<TrainingCosts> {
  const own = environment(arm);
  await using _trainer = python === undefined ? startTrainer(system.address, own) : startTorch(python, system.address, own);
  await train(1, `${arm}-${turn}-cold`);
  const one = await train(1, `${arm}-${turn}-warm`);
  saved = [];
  const whole = await train(Number(steps), `${arm}-${turn}`);
  return { wallMs: whole.wallMs - one.wallMs, cpuMs: whole.cpuMs - one.cpuMs, savedAt: saved };
}

/** A reproduction: it is trained each time, and its model goes nowhere. */
async function train(count: number, runId: string): Promise<{ wallMs: number; cpuMs: number }> {
  const parameters: { [name: string]: Json } = {
    ...{ network: { name, size: Number(size) }, classes: classes.length, domains, steps: count, batch: Number(batch) },
    ...{ optimiser: { name: "adam", learningRate: 1e-5 }, transform: { training: "resize/1", validation: "resize/1" } },
  };
  const recipe: Recipe = { kind: "train", inputs: { dataset }, parameters, seed: 1, arithmetic: arithmetics.training };
  const before = cpuTimeMs();
  const { id } = await system.submit(recipe, { runId, reproduce: true, ...(python === undefined ? {} : { needs: { backend: "torch" } }) });
  const ended = async () => {
    const job = await system.job(id);
    return (job.state === JobState.SUCCEEDED || job.state === JobState.FAILED) && job;
  };
  const job = await waitFor(ended, { timeoutMs: PATIENCE_MS, intervalMs: 250, what: `the training ${runId}` });
  if (job.state === JobState.FAILED) throw new Error(`the training failed: ${job.error}`);
  const { beganAtMs = 0n, endedAtMs = 0n } = job.attempts.at(-1) ?? {};
  return { wallMs: Number(endedAtMs - beganAtMs), cpuMs: Number(job.cpuMs) + cpuTimeMs() - before };
}

/** Weights and both moments of Adam, in float32. */
function stateBytes(): number {
  const { tensors } = networkOf(name, { classes: classes.length, size: Number(size) });
  const weights = tensors.filter(({ role }) => role === "weight").map(({ shape }) => shape.reduce((product, side) => product * side, 1));
  return 3 * 4 * weights.reduce((sum, count) => sum + count, 0);
}
