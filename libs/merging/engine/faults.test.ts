import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, truncateSync, utimesSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lockFile } from "#libs/files";
import { narrow, type TensorData } from "#libs/tensors";
import { temporaryDirectory, testProcess } from "#libs/testing";
import type { MergePlan } from "../plan/index.ts";
import { MergeError } from "./errors.ts";
import { hashOutputs } from "./hash-outputs.ts";
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
  const error = await failure(plan, {
    directory: folder.join("out"),
    onProgress: ({ readBytes }) => void (readBytes > 0 && utimesSync(models[0]!.path, 1, 1)),
  });
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

test("one merge is made once at a time in a process", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1])], [floats("w", [2])]]));
  const directory = folder.join("out");
  const { lock } = outputPlaces(plan, directory);
  await mkdir(directory);
  {
    using _ = await lockFile(lock);
    assert.equal((await failure(plan, { directory })).kind, "busy");
  }
  // What an earlier version wrote of a process that lives means nothing without a lock.
  const { journal } = outputPlaces(plan, directory);
  await writeFile(
    journal,
    `${JSON.stringify({ plan: plan.key, units: 1, version: 1 })}\n{"owner":{"pid":${process.ppid},"started":"1"}}\n`,
  );
  await runMerge(plan, { directory, signal: never });
  assert.deepEqual(await readdir(directory), ["out.safetensors"]);
});

/** Two models, of which merge-program.ts makes one, in a process of its own, by way of another program where one is named. */
async function twoModels(elements: number) {
  const folder = await temporaryDirectory();
  const models = await writeModels(
    folder.path,
    [0, 1].map((k) => [randomTensor("w", "F32", [elements], k)]),
  );
  const [out, wait] = [folder.join("out"), folder.join("wait")];
  await writeFile(wait, "");
  const program = fileURLToPath(new URL("testing/merge-program.ts", import.meta.url));
  const runtime = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];
  return {
    ...{ folder, models, out, wait },
    start({ by = [], waits = false }: { readonly by?: readonly string[]; readonly waits?: boolean } = {}) {
      const [command = "", ...rest] = [...by, process.execPath, ...runtime, program, folder.path, out, ...(waits ? [wait] : [])];
      return testProcess(command, rest);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("of many processes that make the same merge at once, one makes it, and the others say so or find it", async () => {
  await using models = await twoModels(30_000);
  const processes = Array.from({ length: 4 }, () => models.start());
  await Promise.all(processes.map(({ ended }) => ended));
  const said = processes.map(({ lines }) => lines.join("\n")).sort();
  assert.equal(said.filter((line) => line === "made").length, 1, said.join("\n"));
  for (const line of said) assert.match(line, /^(made$|busy another process \(\d+\) is making the same merge|exists )/);
  const made = await readFile(join(models.out, "out.safetensors"));
  const alone = await runMerge(await planOf(models.models), { directory: models.folder.join("alone"), signal: never });
  assert.equal(`sha256:${createHash("sha256").update(made).digest("hex")}`, alone.files[0]!.digest);
  assert.deepEqual(await readdir(models.out), ["out.safetensors"]);
});

test("a merge that is killed is gone on with at once, and one that lives is left alone, whatever happens to another that makes the same", {
  skip: process.platform !== "linux" && "namespaces of processes are Linux's",
}, async () => {
  await using models = await twoModels(1_000_000);
  const isRoot = process.getuid?.() === 0;
  const apart = isRoot ? ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"] : [];
  const limited = ["sh", "-c", `trap '' XFSZ; ulimit -f 2000; exec "$@"`, "sh"];
  await using killed = models.start({ waits: true });
  await killed.line("half");
  await killed.kill("SIGKILL");
  await using first = models.start({ by: apart, waits: true });
  await first.line("half");
  // In a container of its own it has the same number of process, and no room on its disk.
  await using second = models.start({ by: [...apart, ...limited] });
  assert.match(await second.line(" "), /^busy another process \(\d+\) is making the same merge/);
  await rm(models.wait);
  await first.line("made");
  await Promise.all([first.ended, second.ended]);
  assert.deepEqual(await readdir(models.out), ["out.safetensors"]);
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

test("a merge never ends with the digest of an output that is not there", async () => {
  await using folder = await temporaryDirectory();
  const models = await writeModels(
    folder.path,
    [0, 1].map((k) => [randomTensor("a", "F32", [1000], k), randomTensor("b", "F32", [1000], k + 5)]),
  );
  const plan = await planOf(models, { maxShardBytes: 5000 });
  const directory = folder.join("out");
  const first = await runMerge(plan, { directory, signal: never });
  const places = outputPlaces(plan, directory);
  const [, second] = places.outputs;
  const right = await readFile(second!.path);
  const journal = [{ plan: plan.key, units: 1, version: 1 }, { publish: first.files.map(({ digest }) => digest) }]
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join("");
  // All was written, and some of it has gone since, or is another file of the same size.
  for (const damage of [() => rm(second!.path), () => writeFile(second!.path, new Uint8Array(right.length))]) {
    await damage();
    await writeFile(places.journal, journal);
    const again = await runMerge(plan, { directory, force: true, signal: never });
    assert.deepEqual([again.files, await readFile(second!.path)], [first.files, right]);
    assert.deepEqual((await readdir(directory)).sort(), plan.outputs.map(({ name }) => name).sort());
  }
  // It goes while it is written.
  const gone = rm.bind(undefined, second!.partial, { force: true });
  const removed: Promise<void>[] = [];
  const error = await failure(plan, {
    ...{ directory, force: true, fsync: false },
    onProgress: ({ readBytes, totalBytes }) => void (readBytes === totalBytes && removed.push(gone())),
  });
  assert.deepEqual([error.kind, removed.length], ["disk", 1]);
  await runMerge(plan, { directory, force: true, signal: never });
  assert.deepEqual(await readFile(second!.path), right);
});

test("a full disk is said clearly, and leaves nothing", async () => {
  await using models = await twoModels(1_000_000);
  // A limit on the size of files stands in for a full disk: it needs no privileges. The blocks have 512 bytes, in some shells 1024.
  await using limited = models.start({ by: ["sh", "-c", `trap '' XFSZ; ulimit -f 2000; exec "$@"`, "sh"] });
  assert.match(await limited.line(" "), /^disk no space left to write .*\.out\.safetensors\..*\.partial$/);
  await limited.ended;
  assert.deepEqual(await readdir(models.out), []);
});

test("a disk that becomes full part-way is said clearly, and leaves nothing", {
  skip: process.getuid?.() !== 0 && "only root can make a file system",
}, async () => {
  await using models = await twoModels(1_000_000);
  await mkdir(models.out);
  const script = `mount -t tmpfs -o size=1m none ${models.out} && "$@" && echo "left: $(ls -A ${models.out})"`;
  await using full = models.start({ by: ["unshare", "-m", "sh", "-c", script, "sh"] });
  assert.match(await full.line("disk "), /^disk no space left to write .*\.partial$/);
  assert.equal(await full.line("left:"), "left: ");
});

test("a hash that nobody waits for any more closes its file once: by then the number is another file's", async () => {
  await using folder = await temporaryDirectory();
  const [path, size] = [folder.join("out"), 8 << 20];
  await writeFile(path, new Uint8Array(size));
  const numbers = new Set<number>();
  for (let pieces = 1; pieces <= 2; pieces++) {
    const hashes = hashOutputs([{ path, size: pieces * (size / 2), ready: () => pieces * (size / 2) }]);
    // It takes a turn of the event loop after its first four megabytes, which are all of the file the first time.
    hashes.advance();
    hashes[Symbol.dispose]();
    const other = openSync(path, "r");
    numbers.add(other);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    assert.equal(fstatSync(other).size, size);
    closeSync(other);
  }
  assert.equal(numbers.size, 1);
});

test("an output whose place is taken by a folder is an error of the disk", async () => {
  await using folder = await temporaryDirectory();
  const plan = await planOf(await writeModels(folder.path, [[floats("w", [1])]]));
  await (await open(folder.join("out"), "w")).close();
  assert.equal((await failure(plan, { directory: folder.join("out") })).kind, "disk");
});
