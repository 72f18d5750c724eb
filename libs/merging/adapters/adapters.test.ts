import assert from "node:assert/strict";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lockFile } from "#libs/files";
import { type ModelFiles, openModel, weightsDigest } from "#libs/models";
import { bytesSource, loadFloat32, narrow, openSafetensors, saveFloat32, widen, writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { AdapterError, applyAdapter, averageAdapters, planAdapters, readLora, runAdapters } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/adapters");
const signal = new AbortController().signal;
const open = (name: string) => openModel(join(fixtures, name), name);
const digestsOf = (models: readonly ModelFiles[]) => Promise.all(models.map((model) => weightsDigest(model)));

async function average(
  directory: string,
  { adapters, base, ...more }: { adapters: ModelFiles[]; base?: ModelFiles; weights?: number[]; dtype?: "BF16" | "F64"; threads?: number },
) {
  const request = { adapters, digests: await digestsOf(adapters), ...(base ? { base, baseDigest: await weightsDigest(base) } : {}) };
  const { threads = 0, ...rest } = more;
  const { files } = await averageAdapters({ ...request, ...rest }, { directory, threads, fsync: false, force: true, signal });
  return { files, bytes: await readFile(join(directory, files[0]!.name)) };
}

/** Numbers of every tensor, as f64. */
async function numbers(bytes: Uint8Array): Promise<Map<string, Float64Array>> {
  const file = await openSafetensors(bytesSource(bytes));
  const tensors = new Map<string, Float64Array>();
  for (const [name, { dtype, shape }] of file.header.tensors) {
    const out = new Float64Array(shape.reduce((a, b) => a * b, 1));
    widen(dtype, await file.read(name), out);
    tensors.set(name, out);
  }
  return tensors;
}

async function assertNear(actual: Uint8Array, expected: Uint8Array, relative: number): Promise<void> {
  const [ours, theirs] = [await numbers(actual), await numbers(expected)];
  assert.deepEqual([...ours.keys()], [...theirs.keys()]);
  for (const [name, values] of theirs) {
    for (const [i, value] of values.entries()) {
      const difference = Math.abs(ours.get(name)![i]! - value);
      assert.ok(difference <= relative * Math.max(Math.abs(value), 1e-3), `${name}[${i}] is ${ours.get(name)![i]}, numpy has ${value}`);
    }
  }
}

const CASES: [string, string[], number[] | undefined][] = [
  ["base+a", ["a"], undefined],
  ["base+mean", ["a", "b"], undefined],
  ["base+weighted", ["a", "b"], [0.7, -0.2]],
];
for (const [expected, names, weights] of CASES) {
  test(`adapters go into the base as numpy has it: ${expected}`, async () => {
    await using directory = await temporaryDirectory();
    const adapters = await Promise.all(names.map(open));
    const { bytes } = await average(directory.path, { adapters, base: await open("base.safetensors"), ...(weights ? { weights } : {}) });
    // One rounding: the same number, or its neighbour where the f64 sum and the longer one fall on two sides of a tie.
    await assertNear(bytes, await readFile(join(fixtures, `${expected}.safetensors`)), 2 ** -23);
  });
}

test("one adapter of higher rank has the products of all, and can be averaged again", async () => {
  await using directory = await temporaryDirectory();
  const adapters = await Promise.all(["a", "b"].map(open));
  await average(directory.path, { adapters, weights: [0.7, -0.2] });
  assert.deepEqual((await readdir(directory.path)).sort(), ["adapter_config.json", "adapter_model.safetensors"]);
  const stacked = await openModel(directory.path, "stacked");
  const { modules } = readLora(stacked);
  assert.deepEqual(
    [...modules].map(([target, { rank, scaling }]) => [target, rank, scaling]),
    [
      ["model.embed.weight", 5, 1],
      ["model.layers.0.q.weight", 3, 1],
      ["model.layers.1.conv.weight", 5, 1],
      ["model.layers.1.q.weight", 2, 1],
    ],
  );
  await using whole = await temporaryDirectory();
  const { bytes } = await average(whole.path, { adapters: [stacked], base: await open("base.safetensors") });
  // B was rounded to f32 between.
  await assertNear(bytes, await readFile(join(fixtures, "base+weighted.safetensors")), 2e-4);
  const config = JSON.parse(await readFile(join(directory.path, "adapter_config.json"), "utf8"));
  assert.deepEqual(
    [config.r, config.lora_alpha, config.use_rslora, config.rank_pattern, config.target_modules, config.modules_to_save],
    [5, 5, false, { "model.layers.0.q": 3, "model.layers.1.q": 2 }, ["conv", "embed", "q"], ["score"]],
  );
});

test("threads do not change bytes, and every number is rounded once", async () => {
  await using directory = await temporaryDirectory();
  const adapters = await Promise.all(["a", "b"].map(open));
  const base = await open("base.safetensors");
  const inline = await average(directory.path, { adapters, base });
  const threaded = await average(directory.path, { adapters, base, threads: 2 });
  assert.deepEqual(threaded, inline);
  const bf16 = await average(directory.path, { adapters, base, dtype: "BF16" });
  const narrowed = new Map(
    [...(await numbers((await average(directory.path, { adapters, base, dtype: "F64" })).bytes))].map(([name, values]) => {
      const data = new Uint8Array(values.length * 2);
      narrow("BF16", values, data);
      const back = new Float64Array(values.length);
      widen("BF16", data, back);
      return [name, back];
    }),
  );
  const found = await numbers(bf16.bytes);
  for (const [name, values] of narrowed) if (name !== "steps") assert.deepEqual(found.get(name), values, name);
});

test("a base with its adapter is a model", async () => {
  await using directory = await temporaryDirectory();
  const [base, adapter] = [await open("base.safetensors"), await open("a")];
  const digests = { base: await weightsDigest(base), adapter: await weightsDigest(adapter) };
  const applied = await applyAdapter(base, adapter, { directory: directory.path, digests, signal, fsync: false });
  assert.equal(applied.name, "base.safetensors+a");
  assert.deepEqual([...applied.tensors.keys()].sort(), [...base.tensors.keys()].sort());
  await assert.rejects(applyAdapter(base, adapter, { directory: directory.path, digests, signal }), /exists; --force overwrites it/);
});

test("what another process is writing is left to it", async () => {
  await using directory = await temporaryDirectory();
  const adapters = [await open("a")];
  const plan = planAdapters({ adapters, digests: await digestsOf(adapters) });
  const hidden = (end: string) => directory.join(`.adapter_model.safetensors.${plan.key.slice(0, 12)}.${end}`);
  const options = { directory: directory.path, fsync: false, signal };
  {
    using _ = await lockFile(hidden("lock"));
    await assert.rejects(runAdapters(plan, options), (error) => error instanceof AdapterError && error.kind === "busy");
    assert.equal((await readdir(directory.path)).length, 1);
  }
  // An earlier version said there which process made it, which says nothing of a process in another container.
  await writeFile(hidden("journal"), JSON.stringify({ pid: process.ppid }));
  await runAdapters(plan, options);
  assert.deepEqual((await readdir(directory.path)).sort(), ["adapter_config.json", "adapter_model.safetensors"]);
});

/** A copy of an adapter with other settings in its configuration. */
async function changed(directory: string, change: object): Promise<ModelFiles> {
  await cp(join(fixtures, "a"), directory, { recursive: true });
  const path = join(directory, "adapter_config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
  return openModel(directory, "x");
}

const REFUSED: [object, RegExp][] = [
  [{ peft_type: "IA3" }, /^x: peft_type is "IA3"; only LORA can be averaged$/],
  [{ use_dora: true }, /use_dora is true: DoRA is not plain LoRA/],
  [{ bias: "all" }, /bias is "all"/],
  [{ init_lora_weights: "pissa_niter_4" }, /init_lora_weights is "pissa_niter_4"/],
  [{ r: 3 }, /has the rank 2, and adapter_config.json says 3/],
  [{ lora_alpha: "many" }, /lora_alpha is "many", expected a number above 0/],
  [{ rank_pattern: { "(a": 2 } }, /rank_pattern has the expression "\(a", which cannot be read: a bracket is not closed/],
];
for (const [change, message] of REFUSED) {
  test(`an adapter is refused by name: ${JSON.stringify(change)}`, async () => {
    await using directory = await temporaryDirectory();
    const adapter = await changed(directory.path, change);
    assert.throws(
      () => readLora(adapter),
      (error) => error instanceof AdapterError && message.test(error.problems[0]!),
    );
  });
}

test("every module that does not fit the base is listed", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "base.safetensors");
  const rows = await numbers(await readFile(join(fixtures, "base.safetensors")));
  const { tensors } = await open("base.safetensors");
  const kept = [...rows].filter(([name]) => name !== "model.embed.weight" && name !== "steps");
  await writeFile(
    path,
    saveFloat32(
      new Map(
        kept.map(([name, values]) => [
          name,
          { shape: name.includes("conv") ? [48] : [...tensors.get(name)!.shape], data: Float32Array.from(values) },
        ]),
      ),
    ),
  );
  const [adapter, base] = [await open("a"), await openModel(path, "other")];
  const request = { adapters: [adapter], digests: await digestsOf([adapter]), base, baseDigest: await weightsDigest(base) };
  assert.throws(
    () => planAdapters(request),
    (error) => {
      assert.ok(error instanceof AdapterError);
      assert.deepEqual(error.problems, [
        "a: model.layers.1.conv.weight is [48] in other, and its product is [4, 12]",
        'a: there is no tensor "model.embed.weight" in other',
      ]);
      return true;
    },
  );
});

test("the mean of products is not the product of means, and ours is the former", async () => {
  await using directory = await temporaryDirectory();
  const factor = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 6, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(factor, factor), { minLength: 1, maxLength: 4 }), async (parts) => {
      const base = join(directory.path, "base.safetensors");
      await writeFile(base, saveFloat32(new Map([["q.weight", { shape: [3, 3], data: new Float32Array(9) }]])));
      const adapters = await Promise.all(
        parts.map(async ([a, b], k) => {
          const folder = join(directory.path, `${k}`);
          await cp(join(fixtures, "a"), folder, { recursive: true, filter: (path) => !path.endsWith(".safetensors") });
          await writeFile(join(folder, "adapter_config.json"), JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 2 }));
          const tensor = (name: string, shape: number[], values: number[]) => ({
            name: `base_model.model.q.lora_${name}.weight`,
            dtype: "F32" as const,
            shape,
            data: new Uint8Array(Float32Array.from(values).buffer),
          });
          await writeFile(join(folder, "adapter_model.safetensors"), writeSafetensors([tensor("A", [2, 3], a), tensor("B", [3, 2], b)]));
          return openModel(folder, `${k}`);
        }),
      );
      const weights = parts.map(() => 1);
      const { bytes } = await average(join(directory.path, "out"), { adapters, weights, base: await openModel(base) });
      const expected = new Float32Array(9);
      for (const [a, b] of parts)
        for (let row = 0; row < 3; row++)
          for (let column = 0; column < 3; column++)
            expected[row * 3 + column]! += b[row * 2]! * a[column]! + b[row * 2 + 1]! * a[3 + column]!;
      assert.deepEqual(
        [...loadFloat32(bytes).get("q.weight")!.data].map((x) => x + 0),
        [...expected].map((x) => x + 0),
      );
    }),
    { numRuns: 20 },
  );
});
