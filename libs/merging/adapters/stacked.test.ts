import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ModelFiles, weightsDigest } from "#libs/models";
import { temporaryDirectory } from "#libs/testing";
import { AdapterError, averageAdapters } from "./index.ts";
import { loadAsPeft, PREFIX, pair, tensor, writeAdapter } from "./testing/adapter.ts";

const signal = new AbortController().signal;
const LAYERS = [0, 1, 2, 11];
const MODULES = LAYERS.flatMap((layer) =>
  ["self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj"].map((name) => `model.layers.${layer}.${name}`),
);

async function average(directory: string, adapters: readonly ModelFiles[], weights?: readonly number[]): Promise<void> {
  const digests = await Promise.all(adapters.map((model) => weightsDigest(model)));
  await averageAdapters({ adapters, digests, weights }, { directory, threads: 0, fsync: false, force: true, signal });
}

const refusal = (promise: Promise<unknown>, message: RegExp) =>
  assert.rejects(promise, (error) => error instanceof AdapterError && error.problems.some((problem) => message.test(problem)));

/** A way to say which modules have factors, and those of MODULES that it says. */
const anyTargets = fc.oneof(
  fc.constant({ config: { target_modules: ["q_proj", "v_proj"] }, has: (name: string) => /q_proj|v_proj/.test(name) }),
  fc.constant({ config: { target_modules: String.raw`.*self_attn\.(q_proj|v_proj)` }, has: (name: string) => /self_attn/.test(name) }),
  fc.constant({
    config: { target_modules: String.raw`model\.layers\.1\.mlp\.up_proj` },
    has: (name: string) => /layers\.1\.mlp/.test(name),
  }),
  fc.subarray(LAYERS, { minLength: 1 }).map((layers) => ({
    config: { target_modules: ["q_proj"], layers_to_transform: layers, layers_pattern: "layers" },
    has: (name: string) => layers.some((layer) => name === `model.layers.${layer}.self_attn.q_proj`),
  })),
  fc.constant({
    config: { target_modules: ["up_proj", "q_proj"], exclude_modules: String.raw`.*layers\.(11|2)\..*` },
    has: (name: string) => /up_proj|q_proj/.test(name) && !/layers\.(11|2)\./.test(name),
  }),
  fc
    .subarray(MODULES, { minLength: 1 })
    .map((names) => ({ config: { target_modules: names }, has: (name: string) => names.includes(name) })),
);

const anyAdapter = fc.record({
  targets: anyTargets,
  r: fc.integer({ min: 1, max: 3 }),
  lora_alpha: fc.integer({ min: 1, max: 8 }),
  use_rslora: fc.boolean(),
  // By layer, as a name's end or as an expression.
  rank_pattern: fc.dictionary(
    fc.constantFrom("layers.1.self_attn.q_proj", String.raw`.*\.up_proj`, "^model.layers.2.self_attn.q_proj"),
    fc.integer({ min: 1, max: 3 }),
  ),
  alpha_pattern: fc.dictionary(fc.constantFrom("v_proj", String.raw`layers\.[12]\..*`), fc.integer({ min: 1, max: 8 })),
});

function rankOf({ r, rank_pattern: pattern }: { r: number; rank_pattern: { [key: string]: number } }, module: string): number {
  const key = Object.keys(pattern).find((one) => new RegExp(`^(.*\\.)?(${one})$`).test(module));
  return key === undefined ? r : pattern[key]!;
}

test("an average of adapters loads whole in PEFT, whatever the adapters' targets, ranks and alphas, in any order", async () => {
  await using directory = await temporaryDirectory();
  let round = 0;
  const law = fc.asyncProperty(
    fc.array(anyAdapter, { minLength: 1, maxLength: 3 }),
    fc.infiniteStream(fc.integer({ min: -4, max: 4 }).map((n) => n / 4)),
    async (parts, random) => {
      const root = directory.join(`${round++}`);
      const weights = [...random.take(parts.length)];
      const wanted = new Map<string, number[]>();
      const adapters: ModelFiles[] = [];
      for (const [k, { targets, ...config }] of parts.entries()) {
        const modules = MODULES.filter(targets.has);
        const tensors = modules.flatMap((module, i) => pair(module, [4, 3], rankOf(config, module), 1000 * k + 10 * i));
        adapters.push(await writeAdapter(`${root}/${k}`, tensors, { ...targets.config, ...config }));
        const { products, passedOver } = await loadAsPeft(`${root}/${k}`, MODULES);
        assert.deepEqual(passedOver, []);
        for (const [module, values] of products) {
          const sum = wanted.get(module) ?? new Array<number>(values.length).fill(0);
          wanted.set(
            module,
            [...values].map((value, i) => sum[i]! + weights[k]! * value),
          );
        }
      }
      await average(`${root}/out`, adapters, weights);
      const { products, passedOver, config } = await loadAsPeft(`${root}/out`, MODULES);
      assert.deepEqual(passedOver, [], JSON.stringify(config));
      assert.deepEqual([...products.keys()].sort(), [...wanted.keys()].sort());
      for (const [module, values] of wanted)
        for (const [i, value] of values.entries()) assert.ok(Math.abs(products.get(module)![i]! - value) < 1e-5, `${module}[${i}]`);
    },
  );
  await fc.assert(law, { numRuns: 40 });
});

test("names of which one is the end of another keep their ranks, and lists stay lists", async () => {
  await using directory = await temporaryDirectory();
  const names = ["q", "a.q", "b.a.q", "a_q", "c.a_q"];
  const a = names.flatMap((name, i) => pair(name, [2, 2], 1, 10 * i));
  const b = pair("a.q", [2, 2], 2, 99);
  const config = { r: 1, target_modules: names };
  const adapters = [
    await writeAdapter(directory.join("a"), a, config),
    await writeAdapter(directory.join("b"), b, { r: 2, target_modules: ["a.q"] }),
  ];
  await average(directory.join("out"), adapters);
  const loaded = await loadAsPeft(directory.join("out"), names);
  assert.deepEqual(loaded.passedOver, []);
  assert.equal(loaded.products.size, 5);
  await average(directory.join("list"), [
    await writeAdapter(directory.join("c"), pair("x.q", [2, 2], 1, 1), { r: 1, target_modules: ["q"] }),
    await writeAdapter(directory.join("d"), pair("x.v", [2, 2], 1, 1), { r: 1, target_modules: ["v"] }),
  ]);
  assert.deepEqual((await loadAsPeft(directory.join("list"), [])).config.target_modules, ["q", "v"]);
});

test("what an adapter's file has that PEFT would not load is refused, and not averaged", async () => {
  await using directory = await temporaryDirectory();
  const q = (layer: number) => pair(`model.layers.${layer}.self_attn.q_proj`, [2, 2], 2, layer);
  const whole = tensor(`${PREFIX}score.weight`, [2, 2], 5);
  const refused: [Parameters<typeof writeAdapter>[1], object, RegExp][] = [
    [
      [...q(0), ...q(3)],
      { target_modules: ["q_proj"], layers_to_transform: [0, 1] },
      /^x: model\.layers\.3\.self_attn\.q_proj would not be loaded/,
    ],
    [q(0), { target_modules: ["v_proj"] }, /q_proj would not be loaded/],
    [q(0), { target_modules: ["q_proj"], exclude_modules: ["q_proj"] }, /q_proj would not be loaded/],
    [q(0), { target_modules: ["q_proj"], modules_to_save: ["self_attn"] }, /q_proj would not be loaded/],
    [[...q(0), whole], { target_modules: ["q_proj"] }, /score\.weight is not one of a plain LoRA adapter, nor of modules_to_save/],
    [[...q(0), tensor(`${PREFIX}model.layers.0.self_attn.q_proj.bias`, [2], 1)], { target_modules: ["q_proj"] }, /q_proj\.bias is not one/],
    [
      q(0).map((one) => ({ ...one, name: one.name.slice(PREFIX.length) })),
      { target_modules: ["q_proj"] },
      /names of PEFT begin with base_model\.model\./,
    ],
    [q(0).map((one) => ({ ...one, name: PREFIX + one.name })), { target_modules: ["q_proj"] }, /begin with base_model\.model\. twice/],
    [q(0), { target_modules: "(?<=x)q" }, /target_modules has the expression .* cannot be read/],
    [q(0), { target_modules: ["q_proj"], new_field: 1 }, /the field "new_field" is not known here and is 1/],
    [q(0), { target_modules: ["q_proj"], use_rslora: "yes" }, /use_rslora is "yes", expected true or false/],
    [q(0), { target_modules: ["q_proj"], trainable_token_indices: [1] }, /training of single tokens is not plain LoRA/],
    [q(0), { target_modules: ["q_proj"], layers_to_transform: ["0"] }, /layers_to_transform is \["0"\]/],
  ];
  for (const [tensors, config, message] of refused)
    await refusal(average(directory.join("out"), [await writeAdapter(directory.join("x"), tensors, config)]), message);
});

test("adapters that do not agree where only the base knows are refused, in either order", async () => {
  await using directory = await temporaryDirectory();
  const q = pair("model.layers.0.q", [2, 2], 2, 1);
  const head = tensor(`${PREFIX}score.weight`, [3, 2], 5);
  const plain = await writeAdapter(directory.join("plain"), q, { target_modules: ["q"] });
  const saved = await writeAdapter(directory.join("saved"), [...q, head], { target_modules: ["q"], modules_to_save: ["score"] });
  const turned = await writeAdapter(directory.join("turned"), q, { target_modules: ["q"], fan_in_fan_out: true });
  const factors = await writeAdapter(directory.join("factors"), pair("score", [3, 2], 2, 3), { target_modules: ["score"] });
  for (const order of [(list: ModelFiles[]) => list, (list: ModelFiles[]) => list.toReversed()]) {
    await refusal(
      average(directory.join("out"), order([plain, saved])),
      /^score\.weight was trained whole in saved, and in plain it is that of the base/,
    );
    await refusal(average(directory.join("out"), order([plain, turned])), /fan_in_fan_out is true in turned and false in plain/);
    await refusal(average(directory.join("out"), order([saved, factors])), /score/);
  }
});

test("a number that is not finite, or is too large for its type, is named; nothing is written", async () => {
  await using directory = await temporaryDirectory();
  const [a, b] = pair("model.q", [2, 3], 2, 1).map((one) => ({ ...one, dtype: "F32" as const }));
  const values = new Float32Array(b!.data.slice().buffer);
  values[3] = Number.NaN;
  const bad = await writeAdapter(directory.join("bad"), [a!, { ...b!, data: new Uint8Array(values.buffer) }], { target_modules: ["q"] });
  const good = await writeAdapter(directory.join("good"), [a!, b!], { target_modules: ["q"] });
  await refusal(
    average(directory.join("out"), [good, bad]),
    /^tensor "base_model\.model\.model\.q\.lora_B\.weight" is not finite at \[1, 1\]: bad has NaN there$/,
  );
  await refusal(
    average(directory.join("out"), [good], [1e39]),
    /lora_B\.weight" has no finite result at \[0, 0\]: -?[\d.e+]+ is too large for F32$/,
  );
});
