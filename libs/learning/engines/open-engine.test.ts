import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory, testProcess } from "#libs/testing";

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
    "EngineMissingError: The engine tfjs-node is not installed here; ratatouille setup tensorflow does it",
    "EngineMissingError: The engine tfjs-node-gpu is not installed here; ratatouille setup tensorflow-gpu does it",
  ]);
});

test("an engine is opened once in a process", async () => {
  assert.deepEqual(await opened(["tfjs-node", "tfjs-node"], {}), ["TensorFlow 2.15.1 on cpu", "TensorFlow 2.15.1 on cpu"]);
});
