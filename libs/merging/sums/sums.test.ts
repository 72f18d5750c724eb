import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "#libs/recipes";
import { loadFloat32, type NarrowDtype } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { runMerge } from "../engine/run-merge.ts";
import { exactMean } from "../exact/index.ts";
import { BLOCK } from "../method.ts";
import { planMerge } from "../plan/index.ts";
import { foldSums, openSums, prepareUpdate, roundSums, type SumMember, SumsError } from "./index.ts";
import { hostileFloats, integersOf, tensorOf, writeModel } from "./testing/models.ts";

const never = new AbortController().signal;
const anyWeight = fc.oneof(
  fc.constantFrom(1, 3, -0.5, 0.1, 0, 1e-30),
  fc.double({ min: -4, max: 4, noNaN: true }).filter((w) => Math.abs(w) > 1e-9),
);
const anyType = fc.constantFrom<NarrowDtype>("F32", "F16", "BF16");

/** Members of one tensor with hostile numbers, and their weights. */
const anyMembers = fc
  .record({ count: fc.integer({ min: 1, max: 6 }), length: fc.integer({ min: 1, max: 9 }), dtype: anyType })
  .chain(({ count, length, dtype }) =>
    fc.record({
      dtype: fc.constant(dtype),
      rows: fc.array(fc.array(hostileFloats, { minLength: length, maxLength: length }), { minLength: count, maxLength: count }),
      weights: fc.oneof(fc.constant(new Array<number>(count).fill(1)), fc.array(anyWeight, { minLength: count, maxLength: count })),
    }),
  );

test("folded in any order and grouping, rounded with or without sums on disk: the exact mean, with every number of threads", async () => {
  await using directory = await temporaryDirectory();
  let round = 0;
  await fc.assert(
    fc.asyncProperty(anyMembers, fc.nat(), fc.constantFrom(0, 0, 0, 2), async ({ dtype, rows, weights }, cut, threads) => {
      const finite = rows.map((row) =>
        row
          .map((x) => (dtype === "F16" && Math.abs(x) > 65504 ? Math.sign(x) : x))
          .map((x) => (dtype === "BF16" && Math.abs(x) > 3e38 ? 1 : x)),
      );
      const members: SumMember[] = [];
      const stored: number[][] = [];
      for (const [k, row] of finite.entries()) {
        const tensor = tensorOf("w", dtype, [row.length], row);
        members.push({ ...(await writeModel(directory.path, [tensor, tensorOf("k", "F32", [1], [k])])), weight: weights[k]! });
        stored.push(widened(dtype, tensor.data));
      }
      const divisor = members.length;
      const column = (i: number) => stored.map((row) => row[i]!);
      const wanted = finite[0]!.map((_, i) => exactMean(column(i), weights, divisor, dtype));
      if (!wanted.every(Number.isFinite)) {
        const element = wanted.findIndex((mean) => !Number.isFinite(mean));
        const message = `tensor "w" has no finite result at [${element}]: the average is too large for ${dtype}`;
        await assert.rejects(rounded(directory.path, { members, divisor, threads }), { kind: "overflow", tensor: "w", message });
        return;
      }
      const results: Uint8Array[] = [];
      const split = cut % (members.length + 1);
      for (const order of [members, members.toReversed()]) {
        const sums = directory.join(`${round++}.sums`);
        const [first, second] = [order.slice(0, split), order.slice(split)];
        if (first.length > 0) await foldSums({ members: first, to: sums, threads, signal: never });
        const from = first.length > 0 ? sums : undefined;
        results.push(await rounded(directory.path, { sums: from, members: second, divisor }));
        if (second.length > 0) await foldSums({ from, members: second, to: sums, signal: never });
        results.push(await rounded(directory.path, { sums, members: [], divisor }));
      }
      for (const result of results) assert.deepEqual(result, results[0]);
      const w = loadAny(results[0]!, dtype);
      for (let i = 0; i < w.length; i++) assert.ok(Object.is(w[i], wanted[i]), `${w[i]} is not ${wanted[i]} at ${i}`);
    }),
    { numRuns: 40 },
  );
});

function widened(dtype: NarrowDtype, data: Uint8Array): number[] {
  if (dtype === "F32") return [...new Float32Array(data.slice().buffer)];
  const bits = new Uint16Array(data.slice().buffer);
  if (dtype === "BF16") return [...bits].map((b) => new Float32Array(Uint32Array.of(b << 16).buffer)[0]!);
  return [...new Float16Array(bits.buffer)];
}

function loadAny(file: Uint8Array, dtype: NarrowDtype): number[] {
  const header = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)))),
  );
  const begin = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const [from, to] = header.w.data_offsets;
  return widened(dtype, file.slice(begin + from, begin + to));
}

let outputs = 0;
async function rounded(
  directory: string,
  options: { sums?: string | undefined; members: readonly SumMember[]; divisor: number | "sum"; threads?: number },
): Promise<Uint8Array> {
  const single = `out-${outputs++}.safetensors`;
  await roundSums({ ...options, output: { directory, single, fsync: false }, signal: never });
  return new Uint8Array(await readFile(`${directory}/${single}`));
}

test("2^120 + 2^40 + 2^-60 - 2^120 - 2^40 is 2^-60 in every order, and taking a member away is as if it had never come", async () => {
  await using directory = await temporaryDirectory();
  const members: SumMember[] = [];
  for (const x of [2 ** 120, 2 ** 40, 2 ** -60, -(2 ** 120), -(2 ** 40)]) {
    members.push({ ...(await writeModel(directory.path, [tensorOf("w", "F32", [3], [x, -0, 1])])), weight: 1 });
  }
  const sums = directory.join("sums");
  const seen: Uint8Array[] = [];
  for (const [k, member] of members.entries()) {
    await foldSums({ from: k === 0 ? undefined : sums, members: [member], to: sums, signal: never });
    seen.push(await rounded(directory.path, { sums, members: [], divisor: 1 }));
  }
  assert.deepEqual([...loadFloat32(seen.at(-1)!).get("w")!.data], [2 ** -60, -0, 5]);
  for (const [k, member] of [...members.entries()].toReversed()) {
    assert.deepEqual(await rounded(directory.path, { sums, members: [], divisor: 1 }), seen[k]);
    await foldSums({ from: sums, members: [{ ...member, remove: true }], to: sums, signal: never });
  }
  const { count, members: left, patches } = await openSums(sums);
  assert.deepEqual([count, left, patches], [0, [], []]);
});

test("tensors over several blocks, without elements, and of one value; the sums of usual data take 8 bytes a number", async () => {
  await using directory = await temporaryDirectory();
  const count = 2 * BLOCK + 17;
  const members: SumMember[] = [];
  for (let k = 0; k < 3; k++) {
    const values = Float32Array.from({ length: count }, (_, i) => ((i * 7919 + k * 104729) % 65521) / 65521 - 0.5);
    const tensors = [tensorOf("big", "F32", [count], values), tensorOf("none", "F32", [0, 4], []), tensorOf("one", "F32", [], [k])];
    members.push({ ...(await writeModel(directory.path, tensors)), weight: 1 });
  }
  const sums = await foldSums({ members, to: directory.join("sums"), threads: 2, signal: never });
  assert.ok(sums.size < 8 * count + 4096, `${sums.size} bytes`);
  const out = loadFloat32(await rounded(directory.path, { sums: sums.path, members: [], divisor: 3 }));
  assert.deepEqual([...out.get("one")!.data], [1]);
  assert.deepEqual(out.get("none")!.shape, [0, 4]);
  assert.equal(out.get("big")!.data.length, count);
});

test("counters are the largest of those that are in, and other whole numbers have to agree", async () => {
  await using directory = await temporaryDirectory();
  const member = async (batches: bigint, position: bigint): Promise<SumMember> => {
    const tensors = [
      tensorOf("w", "F32", [1], [1]),
      integersOf("bn.num_batches_tracked", [batches]),
      integersOf("position_ids", [position, 2n]),
    ];
    return { ...(await writeModel(directory.path, tensors)), weight: 1 };
  };
  const [low, high, other] = [await member(3n, 1n), await member(9n, 1n), await member(4n, 7n)];
  const sums = directory.join("sums");
  const batches = async () => (await rounded(directory.path, { sums, members: [], divisor: "sum" })).slice();
  await foldSums({ members: [low], to: sums, signal: never });
  const alone = await batches();
  await foldSums({ from: sums, members: [high], to: sums, signal: never });
  assert.notDeepEqual(await batches(), alone);
  await assert.rejects(foldSums({ from: sums, members: [other], to: sums, signal: never }), {
    kind: "disagree",
    tensor: "position_ids",
    member: 0,
  });
  await foldSums({ from: sums, members: [{ ...high, remove: true }], to: sums, signal: never });
  assert.deepEqual(await batches(), alone);
});

test("what cannot be summed is refused with its name, and nothing is written", async () => {
  await using directory = await temporaryDirectory();
  const one = { ...(await writeModel(directory.path, [tensorOf("w", "F32", [2], [1, 2])])), weight: 1 };
  const nan = { ...(await writeModel(directory.path, [tensorOf("w", "F32", [2], [1, Number.NaN])])), weight: 1 };
  const shape = { ...(await writeModel(directory.path, [tensorOf("w", "F32", [1], [1]), tensorOf("v", "F32", [1], [1])])), weight: 1 };
  const double = { ...(await writeModel(directory.path, [tensorOf("w", "F64", [1], [1])])), weight: 1 };
  const sums = directory.join("sums");
  const fold = (member: SumMember, from?: string) => foldSums({ from, members: [member], to: sums, signal: never });
  await fold(one);
  const before = await readFile(sums);
  await assert.rejects(fold(nan, sums), { kind: "not-finite", tensor: "w", member: 0, message: /not finite at \[1\]: .* has NaN there/ });
  await assert.rejects(fold(shape, sums), {
    kind: "layout",
    tensor: "w",
    message: /"w" is F32 \[1\], and has to be F32 \[2\]; tensor "v" is in no other/,
  });
  await assert.rejects(fold(double), { kind: "layout", tensor: "w", message: /F64/ });
  await assert.rejects(fold(one, sums), { kind: "member", message: /in the average already/ });
  await assert.rejects(fold({ ...nan, remove: true }, sums), { kind: "member", message: /not in the average/ });
  await assert.rejects(fold({ ...one, remove: true, weight: 2 }, sums), { kind: "member", message: /with the weight 1, not 2/ });
  await assert.rejects(fold({ ...shape, weight: Number.NaN }), { kind: "weight" });
  assert.deepEqual(await readFile(sums), before);
  assert.deepEqual(
    (await readdir(directory.path)).filter((name) => name.startsWith(".")),
    [],
  );
});

test("the same bytes as the engine's mean of all members, for weights whose sum is no double, after members came and went", async () => {
  await using directory = await temporaryDirectory();
  await fc.assert(
    fc.asyncProperty(
      anyMembers,
      fc.array(anyWeight, { minLength: 6, maxLength: 6 }),
      fc.nat(),
      async ({ dtype, rows, weights }, others, left) => {
        const small = (x: number) => (Math.abs(x) > 60000 ? x / 2 ** 120 : x);
        const members: SumMember[] = [];
        for (const [k, row] of rows.entries()) {
          const tensors = [tensorOf("w", dtype, [row.length], row.map(small)), tensorOf("v", "F32", [2], [k, -k])];
          members.push({ ...(await writeModel(directory.path, tensors)), weight: others[k]! + weights[k]! });
        }
        const total = members.reduce((sum, { weight }) => sum + weight, 0);
        fc.pre(Math.abs(total) > 0.01 && members.every(({ weight }) => weight === 0 || Math.abs(weight) > 1e-9));
        // Weights that nearly cancel make a mean larger than its members, and F16 has no room for that.
        const means = rows[0]!.map((_, i) => rows.reduce((sum, row, k) => sum + members[k]!.weight * small(row[i]!), 0) / total);
        fc.pre(dtype !== "F16" || means.every((mean) => Math.abs(mean) < 65_000));
        const sums = directory.join("all.sums");
        await foldSums({ members, to: sums, signal: never });
        const gone = members[left % members.length]!;
        await foldSums({ from: sums, members: [{ ...gone, remove: true }], to: sums, signal: never });
        await foldSums({ from: sums, members: [gone], to: sums, signal: never });
        const plan = planMerge({
          method: "linear",
          models: members.map(({ model }) => model),
          digests: members.map(({ digest }) => digest),
          parametersOf: () => ({ models: members.map(({ weight }) => ({ weight })) }),
          single: "batch.safetensors",
        });
        await runMerge(plan, { directory: directory.path, force: true, fsync: false, signal: never });
        const batch = new Uint8Array(await readFile(directory.join("batch.safetensors")));
        assert.deepEqual(await rounded(directory.path, { sums, members: [], divisor: "sum" }), batch);
      },
    ),
    { numRuns: 25 },
  );
});

test("an update writes the sums and the average that folding and rounding write, or nothing", async () => {
  await using directory = await temporaryDirectory();
  const shape = [BLOCK + 5];
  const types = ["F32", "F16", "BF16"] as const;
  const of = async (k: number, weight: number): Promise<SumMember> => {
    const values = Float32Array.from({ length: shape[0]! }, (_, i) => (((i * 7919 + k * 104729) % 65521) / 65521 - 0.5) * (i % 7 ? 1 : -0));
    const tensors = types.map((dtype) => tensorOf(dtype, dtype, shape, values));
    return { ...(await writeModel(directory.path, [...tensors, integersOf("num_batches_tracked", [BigInt(k)])])), weight };
  };
  for (const weight of [1, 0.1, -3]) {
    const members = [await of(1, weight), await of(2, weight), await of(3, weight)];
    const [sums, folded, updated] = [directory.join("first"), directory.join("folded"), directory.join("updated")];
    await foldSums({ members: members.slice(0, 2), to: sums, signal: never });
    const added = { members: members.slice(2), signal: never };
    const average = await rounded(directory.path, { sums, ...added, divisor: "sum" });
    await foldSums({ ...added, from: sums, to: folded, output: digestOf(average), threads: 0 });
    for (const threads of [0, 2]) {
      const output = { directory: directory.path, single: "average", force: true, fsync: false };
      await using update = await prepareUpdate({ ...added, sums, to: updated, divisor: "sum", threads, output });
      assert.equal(update.result.files[0]!.digest, digestOf(average));
      assert.equal((await update.publishSums()).output, digestOf(average));
      await update.publish();
      assert.deepEqual(await readFile(directory.join("average")), Buffer.from(average));
      if (threads === 0) assert.deepEqual(await readFile(updated), await readFile(folded));
    }
  }
  const nan = {
    ...(await writeModel(
      directory.path,
      types.map((dtype) => tensorOf(dtype, dtype, [1], [Number.NaN])),
    )),
    weight: 1,
  };
  const before = await readdir(directory.path);
  const output = { directory: directory.path, single: "none" };
  await assert.rejects(prepareUpdate({ members: [nan], to: directory.join("no-sums"), divisor: "sum", output, signal: never }), {
    kind: "not-finite",
  });
  assert.deepEqual(await readdir(directory.path), before);
});

test("weights may add up to less than nothing, but not to nothing", async () => {
  await using directory = await temporaryDirectory();
  const of = async (x: number, weight: number) => ({ ...(await writeModel(directory.path, [tensorOf("w", "F32", [1], [x])])), weight });
  const members = [await of(1, 1), await of(2, -1)];
  await assert.rejects(rounded(directory.path, { members, divisor: "sum" }), { kind: "weight", message: /add up to 0/ });
  const sums = directory.join("sums");
  await foldSums({ members: [await of(3, 1)], to: sums, signal: never });
  await assert.rejects(rounded(directory.path, { sums, members: [await of(4, -2)], divisor: "sum" }), {
    kind: "weight",
    message: /add up to -1, and these sums were begun without a weight below 0/,
  });
  // As many of each sign of zero as there are members, in all combinations.
  const zeros = { ...(await writeModel(directory.path, [tensorOf("w", "F32", [4], [0, -0, 0, -0])])), weight: -1 };
  const others = { ...(await writeModel(directory.path, [tensorOf("w", "F32", [4], [0, -0, -0, 0])])), weight: -1 };
  const mean = loadFloat32(await rounded(directory.path, { members: [zeros, others], divisor: "sum" })).get("w")!.data;
  assert.deepEqual([...mean], [0, -0, 0, 0]);
});

test("a file that is damaged is sums, or said to be none in one sentence", async () => {
  await using directory = await temporaryDirectory();
  const member = async (x: number): Promise<SumMember> => {
    const tensors = [tensorOf("w", "F32", [3], [x, -0, 2 ** -100]), integersOf("num_batches_tracked", [3n])];
    return { ...(await writeModel(directory.path, tensors)), weight: 0.1 };
  };
  const { path } = await foldSums({ members: [await member(1), await member(2 ** 100)], to: directory.join("sums"), signal: never });
  const whole = new Uint8Array(await readFile(path));
  const spoiled = directory.join("spoiled");
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
      await writeFile(spoiled, cut ? whole.subarray(0, at) : whole.with(at, byte));
      const found = await openSums(spoiled).catch((error: unknown) => error);
      if (found instanceof Error) assert.ok(found instanceof SumsError && found.kind === "damaged", String(found));
    }),
    { numRuns: 250 },
  );
});
