import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type ModelFiles, weightsDigest } from "#libs/models";
import type { TensorData } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { AdapterError, applyAdapter, planAdapters, runAdapters } from "./index.ts";
import { type Numbers, numbersIn, PREFIX, pair, product, tensor, tensorOf, writeAdapter, writeBase } from "./testing/adapter.ts";

const signal = new AbortController().signal;
const Q = "model.layers.0.self_attn.q_proj";
const EMBEDDING = "model.embed_tokens";

async function requestOf(adapters: readonly ModelFiles[], base: ModelFiles, more: { weights?: number[]; exclude?: string[] } = {}) {
  const digests = await Promise.all(adapters.map((model) => weightsDigest(model)));
  const { exclude, ...rest } = more;
  return { adapters, digests, base, baseDigest: await weightsDigest(base), ...rest, ...(exclude ? { exclude: new Set(exclude) } : {}) };
}

async function average(folder: string, ...args: Parameters<typeof requestOf>) {
  const plan = planAdapters(await requestOf(...args));
  await runAdapters(plan, { directory: folder, threads: 0, fsync: false, force: true, signal });
  return { made: await numbersIn(join(folder, "model.safetensors")), tied: plan.tied };
}

async function refusal(args: Parameters<typeof requestOf>, message: RegExp): Promise<void> {
  const request = await requestOf(...args);
  assert.throws(
    () => planAdapters(request),
    (error) => error instanceof AdapterError && error.problems.some((problem) => message.test(problem)),
  );
}

function near(actual: Numbers | undefined, expected: ArrayLike<number>, what: string): void {
  assert.equal(actual?.values.length, expected.length, what);
  for (const [i, value] of actual!.values.entries())
    assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${what}[${i}]: ${value}, ${expected[i]}`);
}

const plus = (...parts: ArrayLike<number>[]) => Array.from(parts[0]!, (_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
const times = (factor: number, values: ArrayLike<number>) => Array.from(values, (value) => factor * value);
const transposed = (values: ArrayLike<number>, rows: number, columns: number) =>
  Array.from({ length: rows * columns }, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);

const embeddingPair = (rows: number, seed: number): TensorData[] => [
  tensor(`${PREFIX}${EMBEDDING}.lora_embedding_A`, [2, rows], seed),
  tensor(`${PREFIX}${EMBEDDING}.lora_embedding_B`, [4, 2], seed + 1),
];

test("what was saved under products takes the place of the base's weight, and of adapters without it the base's counts", async () => {
  await using directory = await temporaryDirectory();
  const base = await writeBase(directory.join("base"), [tensor(`${EMBEDDING}.weight`, [8, 4], 1), tensor(`${Q}.weight`, [4, 4], 2)]);
  const targets = { target_modules: ["q_proj", "embed_tokens"] };
  const under = tensor(`${PREFIX}${EMBEDDING}.base_layer.weight`, [8, 4], 3);
  const a = await writeAdapter(directory.join("a"), [...pair(Q, [4, 4], 2, 5), ...embeddingPair(8, 7), under], targets);
  const b = await writeAdapter(directory.join("b"), [...pair(Q, [4, 4], 2, 15), ...embeddingPair(8, 17)], targets);
  const [of, ofA, ofB] = await Promise.all(
    ["base/model", "a/adapter_model", "b/adapter_model"].map((name) => numbersIn(directory.join(`${name}.safetensors`))),
  );
  const delta = (file: Map<string, Numbers>) =>
    transposed(product(file.get(`${PREFIX}${EMBEDDING}.lora_embedding_B`)!, file.get(`${PREFIX}${EMBEDDING}.lora_embedding_A`)!, 1), 4, 8);
  const own = ofA!.get(`${PREFIX}${EMBEDDING}.base_layer.weight`)!.values;
  const one = await average(directory.join("one"), [a], base);
  assert.deepEqual([...one.made.keys()].sort(), [`${EMBEDDING}.weight`, `${Q}.weight`]);
  near(one.made.get(`${EMBEDDING}.weight`), plus(own, delta(ofA!)), "embedding of a");
  const both = await average(directory.join("both"), [b, a], base);
  const wanted = plus(
    times(0.5, own),
    times(0.5, of!.get(`${EMBEDDING}.weight`)!.values),
    times(0.5, delta(ofA!)),
    times(0.5, delta(ofB!)),
  );
  near(both.made.get(`${EMBEDDING}.weight`), wanted, "embedding of both");
});

test("a head that is the embedding gets a tensor of its own where one of them changes, and the configuration says so", async () => {
  await using directory = await temporaryDirectory();
  const config = { model_type: "qwen2", tie_word_embeddings: true, text_config: { tie_word_embeddings: true, hidden_size: 4 } };
  const tensors = [tensor(`${EMBEDDING}.weight`, [8, 4], 1), tensor(`${Q}.weight`, [4, 4], 2)];
  const base = await writeBase(directory.join("base"), tensors, config);
  const embedding = (await numbersIn(directory.join("base/model.safetensors"))).get(`${EMBEDDING}.weight`)!.values;
  const head = await writeAdapter(directory.join("head"), pair("lm_head", [8, 4], 2, 5), { target_modules: ["lm_head"] });
  const factors = await numbersIn(directory.join("head/adapter_model.safetensors"));
  const delta = product(factors.get(`${PREFIX}lm_head.lora_B.weight`)!, factors.get(`${PREFIX}lm_head.lora_A.weight`)!, 1);
  const ofHead = await average(directory.join("1"), [head], base);
  assert.equal(ofHead.tied, false);
  near(ofHead.made.get("lm_head.weight"), plus(embedding, delta), "head");
  near(ofHead.made.get(`${EMBEDDING}.weight`), embedding, "embedding");

  // Both were trained whole, and drift apart.
  const whole = [tensor(`${PREFIX}${EMBEDDING}.weight`, [8, 4], 8), tensor(`${PREFIX}lm_head.weight`, [8, 4], 9)];
  const saved = await writeAdapter(directory.join("saved"), [...pair(Q, [4, 4], 2, 3), ...whole], {
    target_modules: ["q_proj"],
    modules_to_save: ["embed_tokens", "lm_head"],
  });
  const own = await numbersIn(directory.join("saved/adapter_model.safetensors"));
  const ofBoth = await average(directory.join("2"), [saved], base);
  near(ofBoth.made.get("lm_head.weight"), own.get(`${PREFIX}lm_head.weight`)!.values, "head");
  assert.equal(ofBoth.tied, false);

  // PEFT leaves the head as the base has it where the embedding alone was trained.
  const lone = await writeAdapter(directory.join("lone"), whole.slice(0, 1), { target_modules: [], modules_to_save: ["embed_tokens"] });
  const plain = await writeAdapter(directory.join("plain"), pair(Q, [4, 4], 2, 3), { target_modules: ["q_proj"] });
  const ofLone = await average(directory.join("3"), [lone, plain], base);
  near(ofLone.made.get("lm_head.weight"), embedding, "head");
  near(
    ofLone.made.get(`${EMBEDDING}.weight`),
    plus(times(0.5, embedding), times(0.5, own.get(`${PREFIX}${EMBEDDING}.weight`)!.values)),
    "embedding",
  );
  assert.equal((await average(directory.join("4"), [plain], base)).tied, undefined);

  const digests = { base: await weightsDigest(base), adapter: await weightsDigest(head) };
  const applied = await applyAdapter(base, head, { directory: directory.join("applied"), digests, signal, fsync: false });
  assert.deepEqual(applied.config, {
    ...config,
    tie_word_embeddings: false,
    text_config: { ...config.text_config, tie_word_embeddings: false },
  });
  const tying = await writeAdapter(directory.join("tying"), whole, {
    target_modules: [],
    modules_to_save: ["embed_tokens"],
    ensure_weight_tying: true,
  });
  await refusal([[tying], base], /ensure_weight_tying/);
});

test("matrices that the base stores turned round get their products turned round, whatever fan_in_fan_out says", async () => {
  await using directory = await temporaryDirectory();
  const module = "transformer.h.0.attn.c_attn";
  const square = "transformer.h.0.attn.c_proj";
  const config = { model_type: "gpt2", architectures: ["GPT2LMHeadModel"] };
  const base = await writeBase(
    directory.join("base"),
    [tensor(`${module}.weight`, [2, 6], 1), tensor(`${square}.weight`, [2, 2], 2)],
    config,
  );
  const of = await numbersIn(directory.join("base/model.safetensors"));
  for (const flag of [false, true]) {
    const factors = [...pair(module, [6, 2], 2, 3), ...pair(square, [2, 2], 2, 5)];
    const adapter = await writeAdapter(directory.join("a"), factors, { target_modules: ["c_attn", "c_proj"], fan_in_fan_out: flag });
    const file = await numbersIn(directory.join("a/adapter_model.safetensors"));
    const { made } = await average(directory.join("out"), [adapter], base);
    for (const [name, outputs] of [
      [module, 6],
      [square, 2],
    ] as const) {
      const delta = product(file.get(`${PREFIX}${name}.lora_B.weight`)!, file.get(`${PREFIX}${name}.lora_A.weight`)!, 1);
      const turned = transposed(delta, outputs, 2);
      near(made.get(`${name}.weight`), plus(of.get(`${name}.weight`)!.values, turned), name);
    }
  }
});

test("adapters that trained a layer whole are with those that left it to the base", async () => {
  await using directory = await temporaryDirectory();
  const base = await writeBase(directory.join("base"), [tensor("score.weight", [2, 4], 1), tensor(`${Q}.weight`, [4, 4], 2)]);
  const head = tensor(`${PREFIX}score.weight`, [2, 4], 9);
  const plain = await writeAdapter(directory.join("plain"), pair(Q, [4, 4], 2, 3), { target_modules: ["q_proj"] });
  const saved = await writeAdapter(directory.join("saved"), [...pair(Q, [4, 4], 2, 5), head], {
    target_modules: ["q_proj"],
    modules_to_save: ["score"],
  });
  const [of, own] = await Promise.all([
    numbersIn(directory.join("base/model.safetensors")),
    numbersIn(directory.join("saved/adapter_model.safetensors")),
  ]);
  const { made } = await average(directory.join("out"), [plain, saved], base, { weights: [0.75, 0.25] });
  near(
    made.get("score.weight"),
    plus(times(0.75, of.get("score.weight")!.values), times(0.25, own.get(`${PREFIX}score.weight`)!.values)),
    "score",
  );
  const without = await writeBase(directory.join("headless"), [tensor(`${Q}.weight`, [4, 4], 2)]);
  await refusal(
    [[plain, saved], without],
    /score\.weight was trained whole in saved, and in plain it is that of the base: headless has none/,
  );
});

test("tensors are left out by their names in the base or in the file, and a name that nothing has is an error", async () => {
  await using directory = await temporaryDirectory();
  const base = await writeBase(directory.join("base"), [tensor(`${Q}.weight`, [4, 4], 2), tensor("model.norm.weight", [4], 3)]);
  const tensors = [...pair(Q, [4, 4], 2, 5), tensor(`${PREFIX}score.weight`, [2, 4], 9)];
  const a = await writeAdapter(directory.join("a"), tensors, { target_modules: ["q_proj"], modules_to_save: ["score"] });
  const left = async (...exclude: string[]) => [...(await average(directory.join("out"), [a], base, { exclude })).made.keys()].sort();
  assert.deepEqual(await left("score.weight"), [`${Q}.weight`, "model.norm.weight"].sort());
  assert.deepEqual(await left(`${Q}.weight`, "model.norm.weight"), ["score.weight"]);
  assert.deepEqual(await left(`${PREFIX}${Q}.lora_A.weight`, `${PREFIX}score.weight`), ["model.norm.weight"]);
  await refusal([[a], base, { exclude: ["lm_head.weight"] }], /^"lm_head\.weight" cannot be left out: neither base nor an adapter has it$/);
});

test("products do not go into whole numbers nor into other rows; factors, base and result are finite", async () => {
  await using directory = await temporaryDirectory();
  const targets = { target_modules: ["q_proj", "embed_tokens"] };
  const quantised = await writeBase(directory.join("int8"), [
    { name: `${Q}.weight`, dtype: "I8", shape: [4, 4], data: new Uint8Array(16) },
  ]);
  const a = await writeAdapter(directory.join("a"), pair(Q, [4, 4], 2, 5), targets);
  await refusal([[a], quantised], /q_proj\.weight is I8 in int8, which products cannot be added to: take the base in F32, F16 or BF16$/);
  const base = await writeBase(directory.join("base"), [tensor(`${EMBEDDING}.weight`, [8, 4], 1), tensor(`${Q}.weight`, [4, 4], 2, "F16")]);
  const grown = await writeAdapter(directory.join("grown"), embeddingPair(10, 3), targets);
  await refusal(
    [[grown], base],
    /embed_tokens\.weight is \[8, 4\] in base, and its product is \[10, 4\]: tokens were added, and rows are not matched/,
  );
  const resized = await writeAdapter(
    directory.join("resized"),
    [...pair(Q, [4, 4], 2, 5), tensor(`${PREFIX}${EMBEDDING}.weight`, [10, 4], 3)],
    targets,
  );
  await refusal([[resized], base], /is \[10, 4\] in resized and \[8, 4\] in base: tokens were added to one of them/);

  const [first, second] = pair(Q, [4, 4], 2, 5);
  const huge = await writeAdapter(
    directory.join("huge"),
    [first!, tensorOf(second!.name, [4, 2], new Array<number>(8).fill(1e6))],
    targets,
  );
  await assert.rejects(average(directory.join("out"), [huge], base), {
    kind: "overflow",
    message: /^tensor "model\.layers\.0\.self_attn\.q_proj\.weight" has no finite result at \[0, \d\]: -?\d+\.?\d* is too large for F16$/,
  });
  const values = Array.from({ length: 16 }, (_, i) => (i === 6 ? Number.NEGATIVE_INFINITY : i));
  const broken = await writeBase(directory.join("broken"), [
    tensorOf("model.other.weight", [4, 4], values),
    tensor(`${Q}.weight`, [4, 4], 2),
  ]);
  await assert.rejects(average(directory.join("out"), [a], broken), {
    kind: "not-finite",
    message: 'tensor "model.other.weight" is not finite at [1, 2]: broken has -Infinity there',
  });
});
