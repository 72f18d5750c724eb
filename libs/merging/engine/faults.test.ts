import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { truncateSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { narrow, type TensorData } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import type { MergePlan } from "../plan/index.ts";
import { MergeError } from "./errors.ts";
import { outputPlaces } from "./outputs.ts";
import { type RunMergeOptions, runMerge } from "./run-merge.ts";
import { planOf, randomTensor, writeModels } from "./testing/models.ts";

const never = new AbortController().signal;

function floats(name: string, values: readonly number[], dtype: "F32" | "F16" | "F64" = "F32"): TensorData {
  const data = new Uint8Array(values.length * { F32: 4, F16: 2, F64: 8 }[dtype]);
  narrow(dtype, Float64Array.from(values), data);
  return { name, dtype, shape: [values.length], data };
}

const integers = (name: string, ...values: number[]): TensorData => ({
  name,
  dtype: "U8",
  shape: [values.length],
  data: Uint8Array.from(values),
});

async function failure(plan: MergePlan, options: Partial<RunMergeOptions> & { directory: string }): Promise<MergeError> {
  const error = await runMerge(plan, { signal: never, ...options }).catch((caught: unknown) => caught);
  assert.ok(error instanceof MergeError, String(error));
  return error;
}

for (const threads of [0, 2]) {
  const options = { threads, inlineBytes: 0 };

  test(`a number that is not finite is an error with its place, and nothing is left on ${threads} threads`, async () => {
    await using folder = await temporaryDirectory();
    const good = [floats("a", [1, 2]), floats("b", [1, 2, 3])];
    const bad = [floats("a", [1, 2]), floats("b", [1, Number.NaN, 3])];
    const plan = await planOf(await writeModels(folder.path, [good, bad]));
    const error = await failure(plan, { directory: folder.join("out"), ...options });
    assert.deepEqual([error.kind, error.tensor, error.element, error.model], ["not-finite", "b", 1, 1]);
    assert.match(error.message, /^tensor "b" is not finite at \[1\]: \S+model-1\.safetensors has NaN there$/);
    assert.deepEqual(await readdir(folder.join("out")), []);
  });

  test(`whole numbers that differ are an error that lists all tensors on ${threads} threads`, async () => {
    await using folder = await temporaryDirectory();
    const model = (k: number) => [randomTensor("w", "F32", [999], k), integers("ids", k, 1), integers("mask", 2, k), integers("same", 3)];
    const plan = await planOf(await writeModels(folder.path, [model(0), model(1)]));
    const error = await failure(plan, { directory: folder.join("out"), ...options });
    assert.deepEqual([error.kind, error.tensors], ["disagree", ["ids", "mask"]]);
    assert.match(error.message, /"ids", "mask" hold whole numbers that have to agree/);
    assert.deepEqual(await readdir(folder.join("out")), []);
  });

  test(`a file that became shorter, or another one, is an error on ${threads} threads`, async () => {
    await using folder = await temporaryDirectory();
    const models = await writeModels(
      folder.path,
      [0, 1].map((k) => [randomTensor("w", "F32", [300_000], k)]),
    );
    const plan = await planOf(models);
    await truncate(models[1]!.path, 700_000);
    const error = await failure(plan, { directory: folder.join("out"), ...options });
    assert.deepEqual([error.kind, error.path], ["changed", models[1]!.path]);
    await rm(models[1]!.path);
    assert.equal((await failure(plan, { directory: folder.join("out"), ...options })).kind, "input");
    assert.deepEqual(await readdir(folder.join("out")), []);
  });

  test(`a file that is cut off while it is read is an error, and nothing is published on ${threads} threads`, async () => {
    await using folder = await temporaryDirectory();
    const models = await writeModels(
      folder.path,
      [0, 1].map((k) => [randomTensor("w", "F32", [2_000_000], k)]),
    );
    const plan = await planOf(models);
    let cut = false;
    const error = await failure(plan, {
      directory: folder.join("out"),
      ...options,
      onProgress({ readBytes }) {
        if (cut || readBytes === 0) return;
        cut = true;
        truncateSync(models[0]!.path, 4096);
      },
    });
    assert.ok(cut);
    assert.equal(error.kind, "changed");
    assert.deepEqual(await readdir(folder.join("out")), []);
  });
}

test("an input that was touched after it was read is noticed before anything is published", async () => {
  await using folder = await temporaryDirectory();
  const models = await writeModels(
    folder.path,
    [0, 1].map((k) => [randomTensor("w", "F32", [3000], k)]),
  );
  const plan = await planOf(models);
  const touched: Promise<void>[] = [];
  const error = await failure(plan, {
    directory: folder.join("out"),
    onProgress: ({ readBytes }) => void (readBytes > 0 && touched.push(utimes(models[0]!.path, 1, 1))),
  });
  await Promise.all(touched);
  assert.equal(error.kind, "changed");
  assert.deepEqual(await readdir(folder.join("out")), []);
});

test("a result that is too large for its type is an error with its place", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1, 2, -1e5], "F64")], [floats("w", [1, 3, -1e5], "F64")]]), {
    dtype: "F16",
  });
  const error = await failure(plan, { directory: folder.join("out") });
  assert.deepEqual([error.kind, error.tensor, error.element], ["overflow", "w", 2]);
  assert.match(error.message, /^tensor "w" has no finite result at \[2\]: the result is too large for F16, whose largest number is 65504/);
  assert.deepEqual(await readdir(folder.join("out")), []);
});

test("outputs are not overwritten without being told to", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1])], [floats("w", [2])]]));
  await mkdir(folder.join("out"));
  await writeFile(folder.join("out", "out.safetensors"), "mine");
  const error = await failure(plan, { directory: folder.join("out") });
  assert.equal(error.kind, "exists");
  assert.equal(await readFile(folder.join("out", "out.safetensors"), "utf8"), "mine");
  assert.deepEqual(await readdir(folder.join("out")), ["out.safetensors"]);
  await runMerge(plan, { directory: folder.join("out"), force: true, signal: never });
  assert.deepEqual(await readdir(folder.join("out")), ["out.safetensors"]);
});

test("one merge is made once at a time, and another process that makes it is named", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1])], [floats("w", [2])]]));
  const directory = folder.join("out");
  const both = await Promise.allSettled([runMerge(plan, { directory, signal: never }), runMerge(plan, { directory, signal: never })]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  assert.equal(((both[1] as PromiseRejectedResult).reason as MergeError).kind, "busy");
  const { journal } = outputPlaces(plan, directory);
  const other = spawn("sleep", ["60"]);
  try {
    await rm(folder.join("out", "out.safetensors"));
    await writeFile(journal, `${JSON.stringify({ plan: plan.key, units: 1, version: 1 })}\n{"owner":{"pid":${other.pid}}}\n`);
    const error = await failure(plan, { directory });
    assert.equal(error.kind, "busy");
    assert.match(error.message, new RegExp(`process ${other.pid} `));
  } finally {
    other.kill("SIGKILL");
    await once(other, "exit");
  }
  await runMerge(plan, { directory, signal: never });
  assert.deepEqual(await readdir(directory), ["out.safetensors"]);
});

test("a merge whose process is about to end is taken over as soon as it has", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1])], [floats("w", [2])]]));
  const directory = folder.join("out");
  const { journal } = outputPlaces(plan, directory);
  await mkdir(directory);
  const other = spawn("sleep", ["60"]);
  await writeFile(journal, `${JSON.stringify({ plan: plan.key, units: 1, version: 1 })}\n{"owner":{"pid":${other.pid}}}\n`);
  const merging = runMerge(plan, { directory, signal: never });
  other.kill("SIGKILL");
  await merging;
  assert.deepEqual(await readdir(directory), ["out.safetensors"]);
});

test("a merge whose outputs got their names only in part is finished without being made again", async () => {
  await using folder = await temporaryDirectory();
  const models = await writeModels(
    folder.path,
    [0, 1].map((k) => [randomTensor("a", "F32", [1000], k), randomTensor("b", "F32", [1000], k + 5)]),
  );
  const plan = await planOf(models, { maxShardBytes: 5000 });
  assert.equal(plan.outputs.length, 2);
  const directory = folder.join("out");
  const first = await runMerge(plan, { directory, signal: never });
  const places = outputPlaces(plan, directory);
  await rename(places.outputs[1]!.path, places.outputs[1]!.partial);
  const entries = [{ plan: plan.key, units: 1, version: 1 }, { publish: first.files.map(({ digest }) => digest) }];
  await writeFile(places.journal, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  const again = await runMerge(plan, { directory, signal: never });
  assert.deepEqual([again.files, again.readBytes, again.resumed], [first.files, 0, true]);
  assert.deepEqual((await readdir(directory)).sort(), plan.outputs.map(({ name }) => name).sort());
});

test("a full disk is said clearly, and leaves nothing", async () => {
  await using folder = await temporaryDirectory();
  await writeModels(
    folder.path,
    [0, 1].map((k) => [randomTensor("w", "F32", [1_000_000], k)]),
  );
  const program = fileURLToPath(new URL("testing/merge-program.ts", import.meta.url));
  const runtime = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];
  // A limit on the size of files stands in for a full disk: it needs no privileges. The blocks have 512 bytes, in some shells 1024.
  const script = `trap '' XFSZ; ulimit -f 2000; exec "$@"`;
  const child = spawn("sh", ["-c", script, "sh", process.execPath, ...runtime, program, folder.path, folder.join("out")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  await once(child, "close");
  assert.match(said, /^disk no space left to write .*\.out\.safetensors\..*\.partial$/m);
  assert.deepEqual(await readdir(folder.join("out")), []);
});

test("an output whose place is taken by a folder is an error of the disk", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1])]]));
  await (await open(folder.join("out"), "w")).close();
  assert.equal((await failure(plan, { directory: folder.join("out") })).kind, "disk");
});
