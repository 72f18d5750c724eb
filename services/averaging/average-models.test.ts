import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { uint32 } from "#libs/deterministic";
import {
  bytesSource,
  type Dtype,
  loadFloat32,
  narrow,
  openSafetensors,
  parseSafetensorsHeader,
  type SafetensorsFile,
  type TensorData,
  writeSafetensors,
} from "#libs/tensors";
import { type AverageJob, averageModels, bytesToRead } from "./average-models.ts";
import { uniformAverage } from "./average-window.ts";
import { compareLayouts } from "./compatibility.ts";
import { IncompatibleModelsError, NotFiniteError } from "./errors.ts";

const never = new AbortController().signal;

async function jobOf(models: TensorData[][], windowElements = 1000, exclude: string[] = []): Promise<AverageJob> {
  const members: SafetensorsFile[] = [];
  for (const model of models) members.push(await openSafetensors(bytesSource(writeSafetensors(model))));
  const { layout, mismatches } = compareLayouts(
    members.map(({ header }) => header),
    new Set(exclude),
  );
  assert.deepEqual(mismatches, []);
  return { members, layout, average: uniformAverage(models.length), windowElements };
}

async function run(job: AverageJob): Promise<{ bytes: Uint8Array; read: number }> {
  const pieces: Uint8Array[] = [];
  let read = 0;
  for await (const piece of averageModels(job, { signal: never, onRead: (bytes) => (read += bytes) })) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), read };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function floats(name: string, dtype: "F64" | "F32" | "F16" | "BF16", values: number[], shape = [values.length]): TensorData {
  const data = new Uint8Array(values.length * { F64: 8, F32: 4, F16: 2, BF16: 2 }[dtype]);
  narrow(dtype, Float64Array.from(values), data);
  return { name, dtype, shape, data };
}

function integers(name: string, dtype: Dtype, ...values: number[]): TensorData {
  return { name, dtype, shape: [values.length], data: Uint8Array.from(values) };
}

test("all float types are averaged to F32; the file is a valid one with the shapes of the members", async () => {
  const model = (x: number) => [
    floats("w", "F32", [x, 2 * x, 3, 4], [2, 2]),
    floats("h", "F16", [x]),
    floats("b", "BF16", [x, -x]),
    floats("d", "F64", [1 + x * 2 ** -40]),
    floats("scalar", "F32", [x], []),
    floats("empty", "F32", [], [0, 3]),
  ];
  const { bytes } = await run(await jobOf([model(1), model(2), model(4.5)]));
  const expected: [string, number[], number[]][] = [
    ["w", [2, 2], [2.5, 5, 3, 4]],
    ["h", [1], [2.5]],
    ["b", [2], [2.5, -2.5]],
    ["d", [1], [1]],
    ["scalar", [], [2.5]],
    ["empty", [0, 3], []],
  ];
  const averaged = loadFloat32(bytes);
  assert.equal(averaged.size, expected.length);
  for (const [name, shape, values] of expected) assert.deepEqual(averaged.get(name), { shape, data: Float32Array.from(values) });
});

test("permutations of the members and any window give the same bytes, and every byte of the members is read once", async () => {
  const anyModels = fc
    .record({ models: fc.integer({ min: 1, max: 5 }), sizes: fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 3 }) })
    .chain(({ models, sizes }) => {
      const value = fc.float({ noNaN: true, noDefaultInfinity: true });
      const tensor = (size: number) => fc.array(value, { minLength: size, maxLength: size });
      const model = fc.tuple(...sizes.map(tensor)).map((tensors) => tensors.map((values, i) => floats(`t${i}`, "F32", values)));
      return fc.array(model, { minLength: models, maxLength: models });
    });
  await fc.assert(
    fc.asyncProperty(anyModels, fc.integer({ min: 1, max: 30 }), async (models, windowElements) => {
      const job = await jobOf(models);
      const whole = await run(job);
      assert.deepEqual((await run(await jobOf(models.toReversed(), windowElements))).bytes, whole.bytes);
      assert.equal(whole.read, bytesToRead(job));
    }),
    { numRuns: 100 },
  );
});

test("an average has the same bytes on every runtime", async () => {
  const model = (k: number) => [
    floats(
      "w",
      "F32",
      Array.from({ length: 500 }, (_, i) => ((uint32(k, i) - 2 ** 31) / 2 ** 31) * 2 ** (uint32(k + 9, i) % 40)),
    ),
  ];
  const { bytes } = await run(await jobOf([1, 2, 3, 4, 5].map(model)));
  assert.equal(createHash("sha256").update(bytes).digest("hex"), "16fac586e9dc571e8a7b93fcc1dcf7db6c8193f4cfbe6c2e939b4e859cb560da");
});

test("no read and no piece is larger than a window, however large the tensors are", async () => {
  const bytes = writeSafetensors([floats("w", "F32", new Array(10_000).fill(1)), floats("d", "F64", new Array(3_000).fill(2))]);
  const sizes: number[] = [];
  const source = bytesSource(bytes);
  const member = await openSafetensors({
    size: source.size,
    read(offset, length) {
      sizes.push(length);
      return source.read(offset, length);
    },
  });
  sizes.length = 0;
  const { layout } = compareLayouts([member.header], new Set());
  const job = { members: [member, member, member], layout, average: uniformAverage(3), windowElements: 64 };
  const [header, ...pieces] = await collect(averageModels(job, { signal: never, onRead: () => {} }));
  assert.ok(header!.length < 1000 && pieces.length > 200);
  assert.equal(Math.max(...sizes), 64 * 8);
  assert.equal(Math.max(...pieces.map(({ length }) => length)), 64 * 4);
});

test("integers and truth values that agree are kept with their type", async () => {
  const model = (x: number) => [floats("w", "F32", [x]), integers("mask", "BOOL", 1, 0, 1), integers("ids", "U8", 7, 8)];
  const { bytes } = await run(await jobOf([model(1), model(3)]));
  const { tensors, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
  for (const [name, dtype, values] of [["mask", "BOOL", [1, 0, 1]] as const, ["ids", "U8", [7, 8]] as const]) {
    const entry = tensors.get(name)!;
    assert.equal(entry.dtype, dtype);
    assert.deepEqual([...bytes.subarray(dataOffset + entry.begin, dataOffset + entry.end)], values);
  }
});

test("integers that differ are an error that lists all such tensors", async () => {
  const model = (x: number) => [
    floats("w", "F32", [x]),
    integers("ids", "U8", x),
    integers("mask", "BOOL", x % 2),
    integers("same", "U8", 1),
  ];
  await assert.rejects(run(await jobOf([model(1), model(2)])), (error) => {
    assert.ok(error instanceof IncompatibleModelsError);
    assert.deepEqual(error.mismatches.map(({ tensor }) => tensor).sort(), ["ids", "mask"]);
    return true;
  });
});

test("numbers that are not finite are an error that names the tensor, the element and the model", async () => {
  const good = [floats("a", "F32", [1, 2]), floats("w", "F32", [1, 2, 3, 4])];
  const bad = [floats("a", "F32", [1, 2]), floats("w", "F32", [1, 2, 3, Number.NaN])];
  await assert.rejects(run(await jobOf([good, bad], 3)), (error) => {
    return error instanceof NotFiniteError && error.message === 'tensor "w" is not finite at element 3: models[1] has NaN there';
  });
  const large = [floats("x", "F64", [1e39])];
  await assert.rejects(run(await jobOf([large, large])), /tensor "x" is not finite at element 0: the average is too large for F32/);
});

test("excluded tensors are neither read nor written", async () => {
  const model = (head: number) => [floats("body", "F32", [1]), floats("head", "F32", new Array(head).fill(1))];
  const { bytes, read } = await run(await jobOf([model(3), model(5)], 1000, ["head"]));
  assert.deepEqual([...loadFloat32(bytes).keys()], ["body"]);
  assert.equal(read, 8);
});

test("an average that is cancelled reads no further", async () => {
  const model = [floats("w", "F32", new Array(100).fill(1))];
  const job = await jobOf([model, model], 10);
  const stop = new AbortController();
  let reads = 0;
  const pieces = averageModels(job, {
    signal: stop.signal,
    onRead() {
      reads++;
      if (reads === 3) stop.abort(new Error("enough"));
    },
  });
  await assert.rejects(async () => {
    for await (const _ of pieces);
  }, /enough/);
  assert.equal(reads, 3);
});
