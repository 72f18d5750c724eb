/**
 * Trains a network by TensorFlow and by PyTorch in turns of some steps, each at a time, and prints JSON: milliseconds of each turn.
 * Usage: steps-process.ts NETWORK BATCH CHANNELS SIZE CLASSES STEPS TURNS THREADS PYTHON
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openEngine, runNetworkSteps } from "#libs/learning";
import { initialise, networkOf } from "#libs/networks";

export type StepTimes = {
  readonly oursMs: readonly number[];
  readonly torchMs: readonly number[];
  readonly tensors: readonly [before: number, after: number];
};

const [name = "", batch = "", channels = "", size = "", classes = "", steps = "", turns = "", threads = "", python = ""] =
  process.argv.slice(2);
const network = networkOf(name, { classes: Number(classes), channels: Number(channels), size: Number(size) });
const rows = Number(batch);
const pixels = Uint8Array.from({ length: rows * Number(channels) * Number(size) ** 2 }, (_, i) => (i * 7919) % 256);
const labels = Int32Array.from({ length: rows }, (_, row) => row % Number(classes));
const engine = await openEngine("tfjs-node");
const training = { engine, network, weights: initialise(network, 1), batch: { pixels, labels, rows } };

const script = join(import.meta.dirname, "torch-steps.py");
const peer = spawn(python, [script, name, batch, channels, size, classes, threads], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: peer.stdout });
async function torchSteps(count: number): Promise<number> {
  peer.stdin.write(`${count}\n`);
  const [line] = await Promise.race([once(lines, "line"), once(peer, "close").then(() => Promise.reject(new Error("PyTorch has ended")))]);
  return Number(line);
}

using ours = runNetworkSteps(training);
const count = Number(steps);
ours.run(3);
const before = engine.kernels.count;
await torchSteps(3);
const times = { oursMs: [] as number[], torchMs: [] as number[] };
for (let turn = 0; turn < Number(turns); turn++) {
  times.torchMs.push(await torchSteps(count));
  times.oursMs.push(ours.run(count));
}
peer.stdin.end();
const held = engine.kernels.count;
process.stdout.write(JSON.stringify({ ...times, tensors: [before, held] } satisfies StepTimes));
