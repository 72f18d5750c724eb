import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { openModel } from "#libs/models";
import { parseSafetensorsHeader, type TensorData, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import type { Values } from "../method.ts";
import { methods, runMethodInMemory } from "../methods/index.ts";
import { type MergeProgress, runMerge } from "./run-merge.ts";
import { neededParameters, planOf, randomTensor, writeModels } from "./testing/models.ts";

const never = new AbortController().signal;

const SHAPES: readonly (readonly number[])[] = [[300, 700], [33, 7], [4097], [], [65_536 + 5]];

function model(k: number): TensorData[] {
  // Models of one foundation: close to each other.
  return SHAPES.map((shape, i) =>
    mixed(randomTensor(`t${i}`, "F32", shape, 1000 + 10 * i), randomTensor("", "F32", shape, 2000 * k + 10 * i)),
  );
}

function mixed(base: TensorData, other: TensorData): TensorData {
  const [a, b] = [base, other].map(({ data }) => new Float32Array(data.slice().buffer));
  return { ...base, data: new Uint8Array(a!.map((value, i) => value + 0.1 * b![i]!).buffer) };
}

/** Statistics as a method wants them: above zero, and for Gram matrices of a row's length. */
function statistics(k: number): TensorData[] {
  return SHAPES.map((shape, i) => {
    const { data, ...rest } = randomTensor(`t${i}`, "F32", shape, 7000 + 100 * k + 10 * i);
    return { ...rest, data: new Uint8Array(new Float32Array(data.buffer).map((value) => Math.abs(value) + 0.01).buffer) };
  });
}

const floats = ({ shape, data }: TensorData): Values => {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  widen("F32", data, values);
  return values;
};

for (const method of methods.filter((one) => one.statistics !== "gram")) {
  test(`${method.name} makes the same in files as in memory, on any threads`, async () => {
    await using folder = await temporaryDirectory();
    const count = Math.min(3, method.models.max);
    const all = Array.from({ length: count }, (_, k) => model(k + 1));
    const baseTensors = method.base === "none" ? undefined : model(9);
    const models = await writeModels(folder.path, [...all, ...(baseTensors ? [baseTensors] : [])]);
    const base = baseTensors ? models.pop()! : undefined;
    const given = neededParameters(method, count);
    const stats = method.statistics ? all.map((_, k) => statistics(k)) : undefined;
    const opened = stats && (await writeStatistics(folder.join("statistics"), stats));
    const plan = await planOf(models, {
      method: method.name,
      parametersOf: () => given,
      seed: 7,
      ...(base ? { base, baseDigest: `sha256:${"b".repeat(64)}` } : {}),
      ...(opened ? { statistics: opened, statisticsDigests: opened.map((_, k) => `sha256:${String(k).repeat(64)}` as const) } : {}),
    });
    const expected = runMethodInMemory(
      method,
      plan.tensors.map(({ name, shape }) => {
        const find = (tensors: readonly TensorData[]) => floats(tensors.find((tensor) => tensor.name === name)!);
        return {
          ...{ name, shape, parameters: given, models: all.map(find) },
          ...(baseTensors ? { base: find(baseTensors) } : {}),
          ...(stats ? { statistics: stats.map(find) } : {}),
        };
      }),
      { type: "F32", seed: 7, digests: plan.digests },
    );
    for (const threads of [0, 2]) {
      const seen: MergeProgress[] = [];
      const onProgress = (progress: MergeProgress) => void seen.push(progress);
      const { readBytes } = await runMerge(plan, {
        ...{ directory: folder.join(`${threads}`), threads, inlineBytes: 0, signal: never, fsync: false, onProgress },
      });
      // All that was read, and nothing else, was to be read: passes that nobody needed do not count.
      assert.deepEqual([seen.at(-1)?.readBytes, seen.at(-1)?.totalBytes], [readBytes, readBytes]);
      const bytes = await readFile(folder.join(`${threads}`, "out.safetensors"));
      const { tensors, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
      for (const [i, { name, elements }] of plan.tensors.entries()) {
        const { begin, end } = tensors.get(name)!;
        const made = new Float32Array(elements);
        widen("F32", bytes.subarray(dataOffset + begin, dataOffset + end), made);
        compare(made, expected[i]!, `${name} on ${threads} threads`);
      }
    }
  });
}

/** Equal, but for linear: in memory it is not rounded correctly, and may differ by one unit in the last place. */
function compare(made: Float32Array, expected: Values, what: string): void {
  for (let i = 0; i < made.length; i++) {
    if (Object.is(made[i], expected[i])) continue;
    const unit = 2 ** -23 * Math.abs(expected[i]!);
    assert.ok(Math.abs(made[i]! - expected[i]!) <= unit, `${what}: ${made[i]} instead of ${expected[i]} at ${i}`);
  }
}

async function writeStatistics(folder: string, stats: readonly (readonly TensorData[])[]) {
  const { mkdir } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true });
  const written = await writeModels(folder, stats);
  return Promise.all(written.map(({ path }) => openModel(path)));
}
