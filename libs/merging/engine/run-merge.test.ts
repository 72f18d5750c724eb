import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import type { ModelFiles } from "#libs/models";
import { type Dtype, parseSafetensorsHeader, type TensorData, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { exactMean } from "../exact/index.ts";
import type { MergeRequest } from "../plan/index.ts";
import { type RunMergeOptions, runMerge } from "./run-merge.ts";
import { planOf, randomTensor, writeModels } from "./testing/models.ts";

const never = new AbortController().signal;

async function merge(
  models: readonly ModelFiles[],
  directory: string,
  given: Partial<MergeRequest> = {},
  options: Partial<RunMergeOptions> = {},
) {
  const plan = await planOf(models, given);
  const result = await runMerge(plan, { directory, signal: never, ...options });
  const bytes = await readFile(`${directory}/out.safetensors`);
  assert.equal(result.files[0]!.digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  assert.equal(result.files[0]!.size, bytes.length);
  return { result, bytes, plan };
}

/** 3 models with tensors of all kinds of size and type, the largest of several blocks; the second one has another order of tensors. */
function variety(k: number): TensorData[] {
  const tensors = [
    randomTensor("large", "F32", [300, 700], 10 * k),
    randomTensor("half", "F16", [70_001], 10 * k + 2),
    randomTensor("brain", "BF16", [33, 7], 10 * k + 4),
    randomTensor("double", "F64", [1001], 10 * k + 6),
    randomTensor("scalar", "F32", [], 10 * k + 8),
    randomTensor("empty", "F32", [0, 4], 0),
    randomTensor("ids", "I64", [5], 0),
    randomTensor("mask", "BOOL", [3], 0),
    ...Array.from({ length: 20 }, (_, i) => randomTensor(`layer.${i}.bias`, "F32", [i * 3], 100 * k + i)),
  ];
  return k === 1 ? tensors.toReversed() : tensors;
}

test("every number of a linear merge is the exact mean, whatever the types; threads, memory and order of the models change no bit", async () => {
  await using folder = await temporaryDirectory();
  const all = [0, 1, 2].map(variety);
  const models = await writeModels(folder.path, all);
  const { bytes, result } = await merge(models, folder.join("first"));
  assert.equal(result.resumed, false);
  const { tensors, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
  for (const [name, { dtype, begin, end, shape }] of tensors) {
    const of = all.map((model) => model.find((tensor) => tensor.name === name)!);
    assert.deepEqual([dtype, shape], [of[0]!.dtype, of[0]!.shape]);
    if (dtype !== "F64" && dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") continue;
    const elements = shape.reduce((a, b) => a * b, 1);
    const values = of.map(({ data }) => {
      const out = new Float64Array(elements);
      widen(dtype, data, out);
      return out;
    });
    const made = new Float64Array(elements);
    widen(dtype, bytes.subarray(dataOffset + begin, dataOffset + end), made);
    for (let i = 0; i < elements; i += Math.ceil(elements / 500)) {
      assert.equal(
        made[i],
        exactMean(
          values.map((column) => column[i]!),
          [1, 1, 1],
          3,
          dtype,
        ),
        `${name} ${i}`,
      );
    }
  }
  for (const [name, options] of Object.entries({ one: { threads: 1 }, two: { threads: 2 }, tight: { threads: 3, memoryBytes: 20_000 } })) {
    const again = await merge(models.toReversed(), folder.join(name), {}, { ...options, inlineBytes: 0 });
    assert.deepEqual(again.bytes, bytes, name);
  }
  assert.deepEqual(await readdir(folder.join("first")), ["out.safetensors"]);
});

test("a merge that is interrupted anywhere goes on, reads the rest, and has the same bytes", async () => {
  await using folder = await temporaryDirectory();
  const models = await writeModels(
    folder.path,
    [0, 1, 2].map((k) => [randomTensor("w", "F32", [2000, 700], k), randomTensor("b", "F32", [3000], k + 5)]),
  );
  // Begun with each number of threads, and gone on with by another one.
  const count = 3;
  for (const method of ["linear", "model_stock", "sce"] as const) {
    const base = method === "linear" ? {} : { base: models[2]!, baseDigest: `sha256:${"b".repeat(64)}` as const };
    const given = { method, ...base };
    const of = method === "linear" ? models : models.slice(0, 2);
    const { bytes, result } = await merge(of, folder.join(`${method}-whole`), given);
    const plan = await planOf(of, given);
    for (let i = 0; i < count; i++) {
      const directory = folder.join(`${method}-${i}`);
      const stop = new AbortController();
      const share = (i + 0.5) / count;
      const onProgress = ({ readBytes, totalBytes }: { readBytes: number; totalBytes: number }) => {
        if (readBytes > share * totalBytes) stop.abort(new Error("enough"));
      };
      const options = { directory, inlineBytes: 0, journalMs: 0, fsync: false };
      await assert.rejects(runMerge(plan, { ...options, threads: i % 3, signal: stop.signal, onProgress }), /enough/);
      assert.deepEqual((await readdir(directory)).map((name) => name.replace(/[0-9a-f]{12}/, "KEY")).sort(), [
        ".out.safetensors.KEY.journal",
        ".out.safetensors.KEY.partial",
      ]);
      const again = await runMerge(plan, { ...options, threads: (i + 1) % 3, signal: never });
      assert.ok(again.resumed);
      // Of methods that reduce a tensor first, nothing may be written yet.
      if (method === "linear") assert.ok(again.readBytes < result.readBytes, `${again.readBytes} of ${result.readBytes} were read again`);
      assert.equal(again.files[0]!.digest, result.files[0]!.digest);
      assert.deepEqual(await readdir(directory), ["out.safetensors"]);
      assert.equal(bytes.length, again.files[0]!.size);
    }
  }
});

test("progress grows to the whole, also where a merge goes on", async () => {
  await using folder = await temporaryDirectory();
  const models = await writeModels(
    folder.path,
    [0, 1].map((k) => [randomTensor("w", "F32", [3000, 1000], k)]),
  );
  const seen: number[][] = [];
  const onProgress = ({ readBytes, totalBytes, resumedBytes }: { readBytes: number; totalBytes: number; resumedBytes: number }) =>
    void seen.push([readBytes, totalBytes, resumedBytes]);
  await merge(models, folder.join("out"), {}, { onProgress });
  const all = 2 * 4 * 3_000_000;
  assert.deepEqual(seen[0], [0, all, 0]);
  assert.deepEqual(seen.at(-1), [all, all, 0]);
  assert.ok(seen.every(([read], i) => i === 0 || read! >= seen[i - 1]![0]!));
});

test("many more members than files that may be open are averaged, with little memory", async () => {
  await using folder = await temporaryDirectory();
  const some = await writeModels(
    folder.path,
    Array.from({ length: 600 }, (_, k) => [randomTensor("w", "F32", [50, 41], k), randomTensor("b", "F32", [3], k + 9)]),
  );
  const plan = await planOf(some);
  const options = { threads: 2, inlineBytes: 0, memoryBytes: 1 << 21, fsync: false, signal: never };
  const result = await runMerge(plan, { directory: folder.join("out"), ...options });
  assert.equal(result.readBytes, 600 * 4 * (50 * 41 + 3));
  const { bytes } = await merge(some.toReversed(), folder.join("reversed"));
  assert.deepEqual(await readFile(folder.join("out", "out.safetensors")), bytes);
});

test("layouts, types, members, threads and windows of all kinds: the bytes are those of one thread with much memory", async () => {
  const anyModels = fc.record({
    tensors: fc.array(
      fc.record({
        dtype: fc.constantFrom<Dtype>("F32", "F16", "BF16", "F64"),
        shape: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    models: fc.integer({ min: 1, max: 5 }),
    reversed: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    seed: fc.nat({ max: 1000 }),
    threads: fc.integer({ min: 0, max: 3 }),
    memoryBytes: fc.integer({ min: 1, max: 100_000 }),
    dtype: fc.constantFrom<(Dtype | undefined)[]>(undefined, "F32", "BF16"),
  });
  await fc.assert(
    fc.asyncProperty(anyModels, async ({ tensors, models: count, reversed, seed, threads, memoryBytes, dtype }) => {
      await using folder = await temporaryDirectory();
      const all = Array.from({ length: count }, (_, k) => {
        const model = tensors.map(({ dtype, shape }, i) => randomTensor(`t${i}`, dtype, shape, seed + 10 * k + i));
        return reversed[k] ? model.toReversed() : model;
      });
      const models = await writeModels(folder.path, all);
      const given = dtype === undefined ? {} : { dtype };
      const { bytes } = await merge(models, folder.join("plain"), given, { threads: 0, fsync: false });
      const other = await merge(models.toReversed(), folder.join("other"), given, { threads, memoryBytes, inlineBytes: 0, fsync: false });
      assert.deepEqual(other.bytes, bytes);
    }),
    { numRuns: 20 },
  );
});
