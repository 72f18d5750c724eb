import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "#libs/testing";
import { installPeers } from "./average/peers.ts";
import type { Benchmark } from "./benchmark.ts";
import { runProgram, runScript } from "./child.ts";
import type { LoaderTimes } from "./images/loader-process.ts";
import { makeJpegs } from "./images/make-jpegs.ts";

const FILES = 256;
const SIDE = 224;
const IMAGES = 2048;

/** What a training's pictures cost. */
export const images: Benchmark = {
  summary: "JPEGs of 224 px decoded and augmented, against Pillow and torchvision with as many processes",
  async run({ runs, cores, python, say }) {
    const peer = python ?? join(await installPeers("vision", say), "python");
    await using directory = await temporaryDirectory();
    const folder = directory.join("jpegs");
    await mkdir(folder);
    await makeJpegs(folder, FILES, SIDE);
    const loop = join(import.meta.dirname, "images", "torchvision-loop.py");
    const peers: Times[] = [];
    const ours: Times[] = [];
    const waiting: number[] = [];
    for (let turn = 0; turn < runs; turn++) {
      say(`turn ${turn + 1} of ${runs}`);
      const { stdout } = await runProgram(peer, [loop, folder, String(cores), String(IMAGES)]);
      peers.push(JSON.parse(stdout) as Times);
      ours.push(await load(folder, cores));
      // One core is the trainer's.
      waiting.push((await load(folder, Math.max(1, cores - 1))).waiting);
    }
    const rate = (times: readonly Times[]) => times.map(({ seconds }) => IMAGES / seconds);
    const cpu = (times: readonly Times[]) => times.map(({ cpuSeconds }) => (cpuSeconds * 1000) / IMAGES);
    const ratio = (name: keyof Times) => ours.map((times, turn) => peers[turn]![name] / times[name]);
    return [
      { name: `Pillow and torchvision, ${cores} processes`, unit: "images/s", runs: rate(peers) },
      { name: `batches of a training, ${cores} threads`, unit: "images/s", runs: rate(ours) },
      { name: "batches / Pillow and torchvision", unit: "", runs: ratio("seconds"), atLeast: 1 },
      { name: "Pillow and torchvision", unit: "ms CPU an image", runs: cpu(peers) },
      { name: "batches of a training", unit: "ms CPU an image", runs: cpu(ours) },
      { name: "share of its time that a trainer waits for batches", unit: "", runs: waiting, atMost: 0.05 },
    ];
  },
};

/** What so many images took. */
type Times = { readonly seconds: number; readonly cpuSeconds: number };

function load(folder: string, threads: number): Promise<LoaderTimes> {
  return runScript<LoaderTimes>("./images/loader-process.ts", [folder, String(threads), String(IMAGES)]);
}
