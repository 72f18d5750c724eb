import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setupTensorflow } from "#libs/tensorflow";
import { temporaryDirectory } from "#libs/testing";
import { installPeers } from "./average/peers.ts";
import type { Benchmark } from "./benchmark.ts";
import { runScript } from "./child.ts";
import type { Figure } from "./figures.ts";
import { makeJpegs } from "./images/make-jpegs.ts";
import { type CheckpointCase, checkpointFigures } from "./train/checkpoints.ts";
import type { LoopTimes } from "./train/loop-process.ts";
import { packageFigures } from "./train/package.ts";
import type { StepTimes } from "./train/steps-process.ts";
import { trainerFigures } from "./train/trainer.ts";

const NETWORKS = [
  { name: "mnist-cnn", batch: 64, channels: 2, size: 28, classes: 10, steps: 5, atLeast: 0.7 },
  { name: "resnet18", batch: 64, channels: 3, size: 64, classes: 7, steps: 2, atLeast: 0.5 },
] as const;

/**
 * By part: states of 134 MB, and of a GB, by our trainer and by that for PyTorch. A checkpoint of a GB comes every few minutes, so that a turn
 * takes a quarter of an hour or more: those parts are run only where they are named.
 */
const CHECKPOINTS: { readonly [part: string]: CheckpointCase & { readonly torch?: true } } = {
  checkpoints: { network: "resnet18", size: 64, batch: 8, steps: 320 },
  "large-checkpoints": { network: "vit_base_patch16_224", size: 32, batch: 4, steps: 800 },
  "pytorch-checkpoints": { network: "vit_base_patch16_224", size: 32, batch: 4, steps: 1300, torch: true },
};

/** What trainings of networks cost. */
export const train: Benchmark = {
  summary:
    "steps of networks against PyTorch in short turns, the training loop against bare steps, what checkpoints take, and the trainer in Python: its import, its start, and its steps against a loop by hand",
  parts: [...NETWORKS.map(({ name }) => name), "loop", ...Object.keys(CHECKPOINTS), "package", "pytorch"],
  async run({ runs, cores, python, part, say }) {
    if (part !== "package" && part !== "pytorch") await setupTensorflow("tensorflow");
    const figures: Figure[] = [];
    const wanted = NETWORKS.filter(({ name }) => part === undefined || part === name);
    const withPeer = wanted.length > 0 || part === "package" || part?.startsWith("pytorch");
    const peer = !withPeer ? "" : (python ?? join(await installPeers("vision", say), "python"));
    for (const network of wanted) {
      say(`${network.name} against PyTorch`);
      const { name, batch, channels, size, classes, steps } = network;
      const args = [name, batch, channels, size, classes, steps, Math.max(5, runs * 3), cores, peer].map(String);
      figures.push(...stepFigures(network, await runScript<StepTimes>("./train/steps-process.ts", args)));
    }
    if (part === undefined || part === "loop") {
      say("the training loop against bare steps");
      await using directory = await temporaryDirectory();
      const folder = directory.join("jpegs");
      await mkdir(folder);
      await makeJpegs(folder, 512, 28);
      figures.push(
        ...loopFigures(await runScript<LoopTimes>("./train/loop-process.ts", [folder, String(Math.max(3, runs)), "20", "2000"]), 20),
      );
    }
    for (const [name, trained] of Object.entries(CHECKPOINTS)) {
      if (name !== (part ?? "checkpoints")) continue;
      say(`${trained.network} with checkpoints and without`);
      figures.push(...(await checkpointFigures(trained, runs, trained.torch ? peer : undefined)));
    }
    if (part === undefined || part === "package") {
      say("the import of the package for Python");
      figures.push(...(await packageFigures(peer, runs)));
    }
    if (part === undefined || part === "pytorch") {
      say("the PyTorch trainer against a loop by hand");
      figures.push(...(await trainerFigures(peer, runs)));
    }
    return figures;
  },
};

function stepFigures(network: (typeof NETWORKS)[number], { oursMs, torchMs, tensors }: StepTimes): Figure[] {
  const { name, batch, size, steps, atLeast } = network;
  const perStep = (times: readonly number[]) => times.map((ms) => ms / steps);
  const what = `${name}, ${size} px, batch ${batch}`;
  return [
    { name: `${what}: step of tfjs-node`, unit: "ms", runs: perStep(oursMs) },
    { name: `${what}: step of PyTorch`, unit: "ms", runs: perStep(torchMs) },
    { name: `${what}: speed / PyTorch's`, unit: "", runs: oursMs.map((ms, turn) => torchMs[turn]! / ms), atLeast },
    { name: `${what}: tensors that steps leave`, unit: "", runs: [tensors[1] - tensors[0]], atMost: 0 },
  ];
}

function loopFigures({ bareMs, loopMs, tensors, resident: [early, late] }: LoopTimes, steps: number): Figure[] {
  return [
    { name: "bare steps of mnist-cnn", unit: "ms", runs: bareMs.map((ms) => ms / steps) },
    { name: "training loop with JPEGs / bare steps", unit: "", runs: loopMs.map((ms, turn) => bareMs[turn]! / ms), atLeast: 0.95 },
    { name: "tensors that trainings leave", unit: "", runs: [tensors[1] - tensors[0]], atMost: 0 },
    { name: "resident memory after 2,000 small steps / after 400", unit: "", runs: [late / early], atMost: 1.05 },
  ];
}
