import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import type { ModelFiles } from "#libs/models";
import { parseSafetensorsHeader, type TensorData, widen } from "#libs/tensors";
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
  assert.deepEqual([result.resumed, result.overflowed], [false, 0]);
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
