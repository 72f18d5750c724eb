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
import { runHere } from "../../e2e/here.ts";
import { mergeOnce } from "./merge.ts";

const child = fileURLToPath(new URL("child.ts", import.meta.url));
const cli = fileURLToPath(new URL("../../../services/cli/main.ts", import.meta.url));

const environment = process.env;

/** Kills a test has to reach; MERGE_KILLS=100 for more. A run that ends before its kill does not count. */
const KILLS = Number(process.env["MERGE_KILLS"] ?? 6);

/** No run takes longer, on a busy machine either. */
const RUN_MS = 90_000;

type Ended = { readonly code: number | null; readonly output: string };
type EndedProcess = Ended & { readonly killed: boolean; readonly ms: number; readonly workMs: number };

/** When to kill: so long after the start, after the beginning of the work, or after a share of it that the script tells of. */
type Kill = { readonly after: "start" | "work" | number; readonly ms: number };

/**
 * Runs a script, and kills it at some time if it still runs. Before its first output or its first change of the folder only modules are
 * loaded: with one of them the work begins.
 */
async function run(
  script: string,
  args: readonly string[],
  folder: string,
  kill?: Kill,
  env: NodeJS.ProcessEnv = {},
): Promise<EndedProcess> {
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
    if (typeof kill?.after === "number") return over || shareOf(output) >= kill.after;
    return over || worksSince !== undefined;
  };
  if (kill?.after !== "start")
    await waitFor(working, { timeoutMs: RUN_MS, what: `the work of ${program} ${all.join(" ")}`, intervalMs: 5 });
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

/** The share of its work that a script has told of last. */
function shareOf(output: string): number {
  const [, share] = output.slice(output.lastIndexOf("done ")).match(/^done (\S+)\n/) ?? [];
  return Number(share ?? -1);
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

/** What is run: a script that can be killed, and the same in the process of the test, for what is not. */
type Program = {
  readonly script: string;
  readonly argsFor: (directory: string) => readonly string[];
  readonly envFor?: (draw: number) => Readonly<Record<string, string>>;
  readonly here: (directory: string, env: Readonly<Record<string, string>>) => Promise<Ended>;
  /** Whether it writes how far it is. */
  readonly tellsShares: boolean;
  /** Whether it says so, and does not fail, where all is there already. */
  readonly knowsItsOwn: boolean;
};

/**
 * Runs the same again and again and kills it at random times; whenever it comes to its end, the outputs have the digests that they have
 * without kills, and nothing else is left. Goes on until there were enough kills, and `isEnough` says so of what the runs said that came
 * to their end, the first one without kills among them.
 */
async function killMany(
  place: TemporaryDirectory,
  seed: number,
  { script, argsFor, envFor = () => ({}), here, tellsShares, knowsItsOwn }: Program,
  isEnough: (said: readonly string[]) => boolean = () => true,
): Promise<void> {
  const reference = place.join("reference");
  await mkdir(reference);
  const plain = await run(script, argsFor(reference), reference, undefined, envFor(0));
  assert.equal(plain.code, 0, plain.output);
  const files = (await readdir(reference)).sort();
  const digests = await Promise.all(files.map((name) => digestOf(`${reference}/${name}`)));
  const directory = place.join("out");
  await mkdir(directory);
  const said = [plain.output];
  let kills = 0;
  // Of one that has done it all; they find the machine more or less busy.
  let { workMs } = plain;
  const killAt = (draw: (i: number) => number): Kill => {
    if (draw(0) < 0.1) return { after: "start", ms: draw(1) * plain.ms };
    // Where all is read there are still names to give.
    if (tellsShares) return { after: Math.min(1, 1.1 * draw(1)), ms: 10 * Math.max(0, 1.1 * draw(1) - 1) * workMs };
    return { after: "work", ms: 1.1 * draw(1) * workMs };
  };
  let wasKilled = false;
  for (let at = 0; kills < KILLS || wasKilled || !isEnough(said); at++) {
    assert.ok(kills < 20 * KILLS, `after ${kills} kills no run had gone on where another was killed`);
    const draw = (i: number) => uniform(seed, 3 * at + i);
    const env = envFor(draw(0));
    // Every other killed run is followed by one that may end, and so is the last one.
    const mayEnd = wasKilled && (kills >= KILLS || draw(2) < 0.5);
    let ended: Ended;
    if (mayEnd) ended = await here(directory, env);
    else {
      const process = await run(script, argsFor(directory), directory, killAt(draw), env);
      if (process.killed) {
        wasKilled = true;
        kills++;
        continue;
      }
      if (!wasKilled) workMs = (workMs + process.workMs) / 2;
      ended = process;
    }
    wasKilled = false;
    // One that was killed after it had published all, and before it could end, finds it there; the engine alone leaves that to its callers.
    if (knowsItsOwn) assert.equal(ended.code, 0, ended.output);
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
    const paths = models.map(({ path }) => path);
    const program: Program = {
      script: child,
      argsFor: (directory) => [directory, method, ...paths],
      here: (directory) =>
        mergeOnce(directory, method, paths).then(
          (result) => ({ code: 0, output: JSON.stringify(result) }),
          (error: unknown) => ({ code: 1, output: String(error) }),
        ),
      tellsShares: true,
      knowsItsOwn: false,
    };
    await killMany(place, seed, program, hasGoneOn);
  });
}

test("ratatouille average that is killed at random points leaves what the same command makes whole, whether a run knows the digests or finds them", async () => {
  await using place = await temporaryDirectory();
  const models = await writeModels(
    place.path,
    [0, 1, 2].map((k) => [randomTensor("w", "F32", [1600, 1000], k * 9), randomTensor("b", "BF16", [77], k * 9 + 5)]),
  );
  const paths = models.map(({ path }) => path);
  const argsFor = (directory: string) => ["average", ...paths, "-o", `${directory}/out.safetensors`, "--quiet"];
  const program: Program = {
    script: cli,
    argsFor,
    here: async (directory, env) => {
      const { code, stdout, stderr } = await runHere(argsFor(directory), { env });
      return { code: typeof code === "number" ? code : null, output: stdout + stderr };
    },
    // One cache is filled by the first run that uses it; nothing can be written into the other one.
    envFor: (draw) => ({ XDG_CACHE_HOME: draw < 0.5 ? "/dev/null/nowhere" : place.join("cache") }),
    tellsShares: false,
    knowsItsOwn: true,
  };
  await killMany(place, 3, program);
});
