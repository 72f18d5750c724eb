import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory, testProcess } from "#libs/testing";
import { openEngine } from "./open-engine.ts";
import { OutOfMemoryError } from "./tensorflow/runner.ts";

const program = fileURLToPath(new URL("../testing/open-engines.ts", import.meta.url));
const deno = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];

/** What engines say that a new process opens one after another. */
async function opened(names: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  await using child = testProcess(process.execPath, [...deno, program, ...names], {
    env: { TF_CPP_MIN_LOG_LEVEL: "2", ...process.env, ...env },
  });
  await child.ended;
  return child.lines;
}

test("an engine that is not installed says how it is", async () => {
  await using directory = await temporaryDirectory();
  assert.deepEqual(await opened(["tfjs-node", "tfjs-node-gpu"], { XDG_CACHE_HOME: directory.path }), [
    "missing: The engine tfjs-node is not installed here; ratatouille setup tensorflow does it",
    "missing: The engine tfjs-node-gpu is not installed here; ratatouille setup tensorflow-gpu does it",
  ]);
});

test("an engine is opened once in a process", async () => {
  assert.deepEqual(await opened(["tfjs-node", "tfjs-node"], {}), ["TensorFlow 2.15.1 on cpu", "TensorFlow 2.15.1 on cpu"]);
});

test("what there is no memory for is said in a sentence, and the engine goes on", async () => {
  const { kernels } = await openEngine("tfjs-node");
  const before = kernels.count;
  const row = kernels.tensor(new Float32Array(2 ** 20).fill(2), [1, 2 ** 20]);
  const column = kernels.reshape(row, [2 ** 20, 1]);
  assert.throws(
    () => kernels.multiply(row, column),
    (error) =>
      error instanceof OutOfMemoryError && /^This machine has no memory left for a step of this training \(Mul\)/.test(error.message),
  );
  assert.equal(kernels.numbers(kernels.sum(row, [1]))[0], 2 ** 21);
  for (const tensor of [row, column]) kernels.dispose(tensor);
  assert.equal(kernels.count, before + 1);
});
