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
    const peers: number[] = [];
    const ours: number[] = [];
    const waiting: number[] = [];
    for (let turn = 0; turn < runs; turn++) {
      say(`turn ${turn + 1} of ${runs}`);
      const { stdout } = await runProgram(peer, [loop, folder, String(cores), String(IMAGES)]);
      peers.push(IMAGES / (JSON.parse(stdout) as { seconds: number }).seconds);
      ours.push(IMAGES / (await load(folder, cores)).seconds);
      // One core is the trainer's.
      waiting.push((await load(folder, Math.max(1, cores - 1))).waiting);
    }
    const ratios = ours.map((rate, turn) => rate / peers[turn]!);
    return [
      { name: `Pillow and torchvision, ${cores} processes`, unit: "images/s", runs: peers },
      { name: `batches of a training, ${cores} threads`, unit: "images/s", runs: ours },
      { name: "batches / Pillow and torchvision", unit: "", runs: ratios, atLeast: 1 },
      { name: "share of its time that a trainer waits for batches", unit: "", runs: waiting, atMost: 0.05 },
    ];
  },
};

function load(folder: string, threads: number): Promise<LoaderTimes> {
  return runScript<LoaderTimes>("./images/loader-process.ts", [folder, String(threads), String(IMAGES)]);
}
