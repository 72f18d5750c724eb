import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { after, test } from "node:test";
import type { ModelFiles } from "#libs/models";
import { parseSafetensorsHeader, type TensorData, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import type { Values } from "../method.ts";
import { methods, runMethodInMemory } from "../methods/index.ts";
import { type MergeProgress, runMerge } from "./run-merge.ts";
import { neededParameters, planOf, randomTensor, writeModels } from "./testing/models.ts";

const never = new AbortController().signal;

const SHAPES: readonly (readonly number[])[] = [[200, 700], [33, 7], [4097], [], [65_536 + 5]];

/** Models of one foundation: close to each other. */
function drawModel(k: number): TensorData[] {
  return SHAPES.map((shape, i) =>
    mixed(randomTensor(`t${i}`, "F32", shape, 1000 + 10 * i), randomTensor("", "F32", shape, 2000 * k + 10 * i)),
  );
}

function mixed(base: TensorData, other: TensorData): TensorData {
  const [a, b] = [base, other].map(({ data }) => new Float32Array(data.slice().buffer));
  return { ...base, data: new Uint8Array(a!.map((value, i) => value + 0.1 * b![i]!).buffer) };
}

/** Statistics as a method wants them: above zero, and for Gram matrices of a row's length. */
function drawStatistics(k: number): TensorData[] {
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

/** Tensors, and the files that have them. */
type Written = { readonly tensors: readonly TensorData[]; readonly file: ModelFiles };

// For all methods: drawing the numbers takes longer than merging them.
const folder = await temporaryDirectory();
after(() => folder[Symbol.asyncDispose]());
const three = [1, 2, 3];
const members = await write("members", three.map(drawModel));
const statistics = await write("statistics", three.map(drawStatistics));
const [foundation] = await write("base", [drawModel(9)]);

async function write(name: string, all: readonly TensorData[][]): Promise<Written[]> {
  await mkdir(folder.join(name));
  const files = await writeModels(folder.join(name), all);
  return all.map((tensors, k) => ({ tensors, file: files[k]! }));
}

for (const method of methods.filter((one) => one.statistics !== "gram")) {
  test(`${method.name} makes the same in files as in memory, on any threads`, async () => {
    await using folder = await temporaryDirectory();
    const count = Math.min(3, method.models.max);
    const all = members.slice(0, count);
    const base = method.base === "none" ? undefined : foundation;
    const given = neededParameters(method, count);
    const stats = method.statistics ? statistics.slice(0, count) : undefined;
    const plan = await planOf(filesOf(all), {
      method: method.name,
      parametersOf: () => given,
      seed: 7,
      ...(base ? { base: base.file, baseDigest: `sha256:${"b".repeat(64)}` } : {}),
      ...(stats ? { statistics: filesOf(stats), statisticsDigests: stats.map((_, k) => `sha256:${String(k).repeat(64)}` as const) } : {}),
    });
    const expected = runMethodInMemory(
      method,
      plan.tensors.map(({ name, shape }) => {
        const find = ({ tensors }: Written) => floats(tensors.find((tensor) => tensor.name === name)!);
        return {
          ...{ name, shape, parameters: given, models: all.map(find) },
          ...(base ? { base: find(base) } : {}),
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

const filesOf = (written: readonly Written[]) => written.map(({ file }) => file);

/** Equal, but for linear: in memory it is not rounded correctly, and may differ by one unit in the last place. */
function compare(made: Float32Array, expected: Values, what: string): void {
  for (let i = 0; i < made.length; i++) {
    if (Object.is(made[i], expected[i])) continue;
    const unit = 2 ** -23 * Math.abs(expected[i]!);
    assert.ok(Math.abs(made[i]! - expected[i]!) <= unit, `${what}: ${made[i]} instead of ${expected[i]} at ${i}`);
  }
}
