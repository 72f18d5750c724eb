import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { within } from "#libs/concurrency";
import { uniform } from "#libs/deterministic";
import { type TemporaryDirectory, temporaryDirectory, waitFor } from "#libs/testing";
import { randomTensor, writeModels } from "../../../libs/merging/engine/testing/models.ts";
import { scriptCommand, signalChild } from "../../../libs/service/runtime.ts";

const child = fileURLToPath(new URL("child.ts", import.meta.url));
const cli = fileURLToPath(new URL("../../../services/cli/main.ts", import.meta.url));

const environment = process.env;

/** Kills a test has to reach. A run that ends before its kill does not count. */
const KILLS = 12;

/** No run takes longer, on a busy machine either. */
const RUN_MS = 90_000;

type Ended = {
  readonly killed: boolean;
  readonly code: number | null;
  readonly output: string;
  readonly ms: number;
  readonly workMs: number;
};

/** When to kill: so long after the start, or after the beginning of the work. */
type Kill = { readonly after: "start" | "work"; readonly ms: number };

/**
 * Runs a script, and kills it after some time if it still runs. Before its first output or its first change of the folder only modules are
 * loaded: with one of them the work begins.
 */
async function run(script: string, args: readonly string[], folder: string, kill?: Kill, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const before = await look(folder);
  const began = performance.now();
  const [program, ...all] = scriptCommand(script, args);
  const process = spawn(program, all, { stdio: ["ignore", "pipe", "pipe"], env: { ...environment, ...env } });
  const ended = once(process, "close");
  let over = false;
  void ended.finally(() => {
    over = true;
  });
  let output = "";
  let worksSince: number | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("data", (text) => {
      output += text;
      worksSince ??= performance.now();
    });
  }
  const working = async () => {
    if (worksSince === undefined && (await look(folder)) !== before) worksSince ??= performance.now();
    return worksSince !== undefined || over;
  };
  if (kill?.after !== "start")
    await waitFor(working, { timeoutMs: RUN_MS, what: `the work of ${program} ${all.join(" ")}`, intervalMs: 2 });
  if (kill !== undefined) {
    await Promise.race([ended, delay(kill.ms)]);
    if (!over) signalChild(process, "SIGKILL");
  }
  const how = (await within(RUN_MS, ended)) as [number | null, string | null] | undefined;
  assert.ok(how, `${program} ${all.join(" ")} has not ended within ${RUN_MS} ms: ${output}`);
  const [code, signal] = how;
  const now = performance.now();
  return { killed: signal === "SIGKILL", code, output, ms: now - began, workMs: now - (worksSince ?? now) };
}

/** What is in a folder, to see whether it changes. */
async function look(folder: string): Promise<string> {
  const [names, { mtimeMs }] = await Promise.all([readdir(folder), stat(folder)]);
  return `${names.sort().join("/")} ${mtimeMs}`;
}

async function digestOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/**
 * Runs the same command again and again and kills it at random times; whenever it comes to its end, the outputs have the digests that they have
 * without kills, and nothing else is left. Goes on until there were enough kills, and `isEnough` says so of what the runs said that came
 * to their end.
 */
async function killMany(
  place: TemporaryDirectory,
  seed: number,
  script: string,
  argsFor: (directory: string) => readonly string[],
  isEnough: (said: readonly string[]) => boolean,
  { wanted = KILLS, envFor = () => ({}) }: { wanted?: number; envFor?: (draw: number) => NodeJS.ProcessEnv } = {},
): Promise<void> {
  const reference = place.join("reference");
  await mkdir(reference);
  const plain = await run(script, argsFor(reference), reference, undefined, envFor(0));
  assert.equal(plain.code, 0, plain.output);
  const files = (await readdir(reference)).sort();
  const digests = await Promise.all(files.map((name) => digestOf(`${reference}/${name}`)));
  const directory = place.join("out");
  await mkdir(directory);
  const said: string[] = [];
  let kills = 0;
  // Of the fastest that has done it all: the first one may have found a busy machine.
  let { workMs } = plain;
  let wasKilled = false;
  for (let at = 0; kills < wanted || !isEnough(said); at++) {
    assert.ok(kills < 10 * KILLS, `after ${kills} kills no run had gone on where another was killed`);
    const draw = (i: number) => uniform(seed, 3 * at + i);
    // Every other killed run is followed by one that may end.
    const kill: Kill = draw(0) < 0.1 ? { after: "start", ms: draw(1) * plain.ms } : { after: "work", ms: 1.1 * draw(1) * workMs };
    const ended = await run(script, argsFor(directory), directory, wasKilled && draw(2) < 0.5 ? undefined : kill, envFor(draw(0)));
    if (!ended.killed && !wasKilled) workMs = Math.min(workMs, ended.workMs);
    wasKilled = ended.killed;
    if (ended.killed) {
      kills++;
      continue;
    }
    // One that was killed after it had published all, and before it could end, finds it there; the engine alone leaves that to its callers.
    if (script === cli) assert.equal(ended.code, 0, ended.output);
    else if (ended.code !== 0) assert.match(ended.output, /exists? already/);
    said.push(ended.output);
    assert.deepEqual((await readdir(directory)).sort(), files);
    assert.deepEqual(await Promise.all(files.map((name) => digestOf(`${directory}/${name}`))), digests);
    await rm(directory, { recursive: true });
    await mkdir(directory);
  }
}

/** Whether one of the merges went on where another process had been killed: it has read less than one that did it all. */
function hasGoneOn(said: readonly string[]): boolean {
  const results = said.flatMap((text) => text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : [])));
  const most = results.reduce((bytes, { readBytes }) => Math.max(bytes, readBytes), 0);
  return results.some(({ resumed, readBytes }) => resumed && readBytes < most);
}

for (const [seed, method] of [
  [1, "linear"],
  [2, "sce"],
] as const) {
  test(`a ${method} merge that is killed at random points is gone on with, and has the same bytes`, async () => {
    await using place = await temporaryDirectory();
    const models = await writeModels(
      place.path,
      [0, 1, 2].map((k) => [randomTensor("w", "F32", [4000, 400], k * 9), randomTensor("b", "F32", [77], k * 9 + 5)]),
    );
    const args = (directory: string) => [directory, method, ...models.map(({ path }) => path)];
    await killMany(place, seed, child, args, hasGoneOn);
  });
}

test("ratatouille average that is killed at random points leaves what the same command makes whole", async () => {
  await using place = await temporaryDirectory();
  const models = await writeModels(
    place.path,
    [0, 1, 2].map((k) => [randomTensor("w", "F32", [1000, 400], k * 9), randomTensor("b", "BF16", [77], k * 9 + 5)]),
  );
  await killMany(
    place,
    3,
    cli,
    (directory) => ["average", ...models.map(({ path }) => path), "-o", `${directory}/out.safetensors`, "--quiet"],
    (said) => said.length > 0,
  );
});

test("the same where some of the runs know the digests of the models, and others find them beside the merge", async () => {
  await using place = await temporaryDirectory();
  const models = await writeModels(
    place.path,
    [0, 1, 2].map((k) => [randomTensor("w", "F32", [1600, 1000], k * 9)]),
  );
  await killMany(
    place,
    4,
    cli,
    (directory) => ["average", ...models.map(({ path }) => path), "-o", `${directory}/out.safetensors`, "--quiet"],
    (said) => said.length > 0,
    // One cache is filled by the first run that uses it; nothing can be written into the other one.
    { wanted: KILLS / 2, envFor: (draw) => ({ XDG_CACHE_HOME: draw < 0.5 ? "/dev/null/nowhere" : place.join("cache") }) },
  );
});
