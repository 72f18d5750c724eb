/**
 * Times trainings by the PyTorch trainer, a process with the services in this one, and by a bare loop of PyTorch over the same images, in
 * turns, and the start of the trainer. Prints JSON. Usage: trainer-process.ts NETWORK SIZE BATCH STEPS TURNS WORKERS PYTHON
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { readImageSet } from "#libs/image-sets";
import { arithmetics, type Digest, type Json, type Recipe } from "#libs/recipes";
import { importImages } from "#libs/remote-images";
import { temporaryDirectory } from "#libs/testing";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { startSystem, startTrainer } from "../../trainer/system.ts";
import { makeJpegs } from "../images/make-jpegs.ts";
import { startTorch } from "./start-torch.ts";

export type TrainerTimes = {
  /** Of each turn, in seconds: the trainer's steps after its first, and as many of a bare loop. */
  readonly oursS: readonly number[];
  readonly bareS: readonly number[];
  /** From a trainer's start to its report of a first step, and what the import of torch takes alone, in seconds. */
  readonly startS: readonly number[];
  readonly importS: readonly number[];
};

const DOMAINS = ["photo", "sketch"];
const CLASSES = ["bird", "cat", "dog"];
const EACH = 64;
const SIDE = 227;

const [network = "", size = "", batch = "", steps = "", turns = "", workers = "", python = ""] = process.argv.slice(2);
await using directory = await temporaryDirectory("ratatouille-bench-");
const folder = directory.join("images");
for (const domain of DOMAINS) {
  for (const label of CLASSES) {
    await mkdir(join(folder, domain, label), { recursive: true });
    await makeJpegs(join(folder, domain, label), EACH, SIDE);
  }
}
await using system = await startSystem(directory.path);
const dataset = await madeDataset();
const times = { oursS: [] as number[], bareS: [] as number[], startS: [] as number[], importS: [] as number[] };
await measureStarts();
await measureSteps();
process.stdout.write(JSON.stringify(times satisfies TrainerTimes));

async function madeDataset(): Promise<Digest> {
  await using _trainer = startTrainer(system.address);
  const signal = new AbortController().signal;
  const { digest } = await importImages(await readImageSet(folder), system.artifacts, { licence: "CC0-1.0", source: "drawn", signal });
  return await system.make({ kind: "dataset", inputs: { source: digest }, parameters: { generator: "image-shards/1" } });
}

function start() {
  return startTorch(python, system.address, { RATATOUILLE_CACHE_DIR: directory.join("cache") }, ["--workers", workers]);
}

function recipeOf(count: number): Recipe {
  const parameters: { [name: string]: Json } = {
    ...{ network: { name: network, size: Number(size) }, classes: CLASSES.length, domains: DOMAINS, steps: count },
    ...{ batch: Number(batch) / DOMAINS.length, optimiser: { name: "adam", learningRate: 1e-5 } },
    transform: { training: "domainbed/1", validation: "resize/1" },
  };
  return { kind: "train", inputs: { dataset }, parameters, seed: 1, arithmetic: arithmetics.training };
}

function submit(count: number, runId: string): Promise<Job> {
  return system.submit(recipeOf(count), { runId, reproduce: true, needs: { backend: "torch" } });
}

/** Each has to fetch all that it needs. The first, which reads the files of Python from the disk, is not counted. */
async function measureStarts(): Promise<void> {
  for (let turn = -1; turn < Number(turns); turn++) {
    const importBegan = performance.now();
    await promisify(execFile)(python, ["-c", "import torch"]);
    const importS = (performance.now() - importBegan) / 1000;
    await rm(directory.join("cache"), { recursive: true, force: true });
    const { id } = await submit(1, `start-${turn}`);
    const began = performance.now();
    await using trainer = start();
    await Promise.race([trainer.failed, system.trains(id)]);
    const startS = (performance.now() - began) / 1000;
    await system.reached(id, JobState.SUCCEEDED);
    if (turn < 0) continue;
    times.importS.push(importS);
    times.startS.push(startS);
  }
}

async function measureSteps(): Promise<void> {
  await using trainer = start();
  const loop = spawn(python, [join(import.meta.dirname, "torch-loop.py"), folder, network, size, batch, workers], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: loop.stdout });
  const bare = async (count: number): Promise<number> => {
    loop.stdin.write(`${count}\n`);
    const [line] = await Promise.race([once(lines, "line"), once(loop, "close").then(() => Promise.reject(new Error("the loop ended")))]);
    return Number(line);
  };
  const train = async (count: number, runId: string): Promise<number> => {
    const { id } = await submit(count, runId);
    const job = await Promise.race([trainer.failed, system.reached(id, JobState.SUCCEEDED)]);
    const { beganAtMs = 0n, endedAtMs = 0n } = job.attempts.at(-1) ?? {};
    return Number(endedAtMs - beganAtMs) / 1000;
  };
  const count = Number(steps);
  await bare(2);
  await train(2, "warm");
  for (let turn = 0; turn < Number(turns); turn++) {
    const bareFirst = turn % 2 === 0;
    if (bareFirst) times.bareS.push(await bare(count));
    const one = await train(1, `one-${turn}`);
    times.oursS.push((await train(count + 1, `steps-${turn}`)) - one);
    if (!bareFirst) times.bareS.push(await bare(count));
  }
  loop.stdin.end();
}
