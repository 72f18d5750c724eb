import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ModelFiles } from "#libs/models";
import { openModel } from "#libs/models";
import type { Dtype } from "#libs/tensors";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { excludedNames } from "./excluded.ts";
import { type CompatibilityReport, checkModels, settleHeads } from "./index.ts";

const signal = new AbortController().signal;

type Given = { readonly dtype?: Dtype; readonly shape: readonly number[] };

/** A model of which nothing but its description is asked. */
function described(name: string, tensors: { readonly [tensor: string]: Given }, config?: ModelFiles["config"]): ModelFiles {
  const places = Object.entries(tensors).map(
    ([tensor, { dtype = "F32", shape }]) => [tensor, { file: 0, dtype, shape, offset: 0, length: 0 }] as const,
  );
  const kind = config === undefined ? "file" : "folder";
  return { ...{ name, path: "/nothing", kind, files: [], tensors: new Map(places), licences: ["MIT"] }, ...(config ? { config } : {}) };
}

const errors = ({ findings }: CompatibilityReport) =>
  findings.filter(({ severity }) => severity === "error").map(({ sentence, tensors }) => ({ sentence, tensors: tensors.length }));
const check = (models: readonly ModelFiles[], exclude: readonly string[] = [], base?: ModelFiles) =>
  checkModels(models, { signal, exclude: new Set(exclude), base });
const renamed = (tensors: { readonly [tensor: string]: Given }, rename: (name: string) => string) =>
  Object.fromEntries(Object.entries(tensors).map(([name, given]) => [rename(name), given]));

const LAYERS = 32;
const llm: { readonly [tensor: string]: Given } = Object.fromEntries([
  ["model.embed_tokens.weight", { shape: [8, 4] }],
  ["lm_head.weight", { shape: [8, 4] }],
  ...Array.from({ length: LAYERS }, (_, i) => [`model.layers.${i}.self_attn.q_proj.weight`, { shape: [4, 4] }]),
  ...Array.from({ length: LAYERS }, (_, i) => [`model.layers.${i}.self_attn.k_proj.weight`, { shape: [4, 4] }]),
]);

test("a prefix on all names is called that, in one sentence, with the way on", async () => {
  const compiled = described(
    "compiled",
    renamed(llm, (name) => `_orig_mod.${name}`),
  );
  const said = (first: string, second: string) => [
    {
      sentence: `All names of ${first} begin with "_orig_mod.", and those of ${second} do not: save the model that torch.compile was given (model._orig_mod), not what it gave.`,
      tensors: 0,
    },
  ];
  assert.deepEqual(errors(await check([described("new", llm), compiled])), said("compiled", "new"));
  assert.deepEqual(errors(await check([compiled, described("new", llm)])), said("compiled", "new"));
  const ddp = described(
    "ddp",
    renamed(llm, (name) => `module.${name}`),
  );
  assert.match(errors(await check([described("new", llm), ddp]))[0]!.sentence, /begin with "module\.".*DataParallel \(model\.module\)\.$/);
});

test("names that a library has changed are told by their beginnings; layers that one does not have are not", async () => {
  const old = renamed(llm, (name) => `language_model.${name}`);
  const now = renamed(llm, (name) => (name === "lm_head.weight" ? name : name.replace(/^model\./, "model.language_model.")));
  const [only, ...others] = errors(await check([described("old", old), described("now", now)]));
  assert.deepEqual([only?.tensors, others], [0, []]);
  assert.match(
    only!.sentence,
    /^Tensors of old have other names in now: "language_model\.model\." is "model\.language_model\.", "language_model\." is left out; load it .* save it again/,
  );
  const shorter = Object.fromEntries(Object.entries(llm).filter(([name]) => !name.includes("layers.31.")));
  assert.deepEqual(errors(await check([described("a", llm), described("b", shorter)])), [
    { sentence: "2 tensors are not in all models.", tensors: 2 },
  ]);
});

test("gamma and beta are weight and bias of old checkpoints; what else differs is listed as ever", async () => {
  const norm = { "bert.embeddings.LayerNorm.weight": { shape: [4] }, "bert.embeddings.LayerNorm.bias": { shape: [4] } };
  const old = { "bert.embeddings.LayerNorm.gamma": { shape: [4] }, "bert.embeddings.LayerNorm.beta": { shape: [4] } };
  const base = described("base-2018", { ...old, "cls.predictions.bias": { shape: [8] } });
  const [said, rest, ...others] = errors(await check([described("a", norm)], [], base));
  assert.match(
    said!.sentence,
    /^base-2018 has names of old checkpoints, LayerNorm\.gamma and beta for weight and bias: load it .* and save it again/,
  );
  assert.deepEqual([rest, others], [{ sentence: "One tensor is not in all models.", tensors: 1 }, []]);
});

test("what may be left out is said with the option that does it, and --exclude takes patterns", async () => {
  const buffers = Object.fromEntries(
    Array.from({ length: LAYERS }, (_, i) => [`model.layers.${i}.self_attn.rotary_emb.inv_freq`, { shape: [2] }]),
  );
  const models = [described("new", llm), described("old", { ...llm, ...buffers })];
  assert.deepEqual(errors(await check(models)), [
    {
      sentence:
        '--exclude "*.self_attn.rotary_emb.inv_freq" leaves them out of the result: 32 tensors are not in all models, and to keep those of one model is not supported yet.',
      tensors: 32,
    },
  ]);
  assert.deepEqual(errors(await check(models, ["*.inv_freq"])), []);
  assert.deepEqual([...excludedNames(["*.inv_freq"], models)], Object.keys(buffers));
  assert.deepEqual(
    [...excludedNames(["lm_head.weight", "no*thing", "model.layers.?"], models)],
    ["lm_head.weight", "no*thing", "model.layers.?"],
  );
  assert.deepEqual(errors(await check(models, ["*.inv_freq", "no*thing"])), [
    { sentence: "No model has these tensors, which are to be left out.", tensors: 1 },
  ]);
});

test("types that differ say the way on first: --dtype for numbers that are averaged, --exclude for whole numbers", async () => {
  const model = (name: string, w: Dtype, ids: Dtype) =>
    described(name, { w: { dtype: w, shape: [2] }, "x.position_ids": { dtype: ids, shape: [1, 2] } });
  const said = async (...models: ModelFiles[]) => errors(await check(models)).map(({ sentence }) => sentence);
  assert.deepEqual(await said(model("a", "F32", "I64"), model("b", "F16", "I64")), [
    "--dtype float32, bfloat16 or float16 averages them all the same, written in that type: one tensor has different types.",
  ]);
  for (const other of ["F16", "F32", "I32"] as const) {
    const models = [model("a", "F32", "I64"), model("b", "F32", other)];
    assert.deepEqual(await said(...models), ["--exclude x.position_ids leaves it out of the result: one tensor has different types."]);
    assert.deepEqual(errors(await check(models, ["x.position_ids"])), []);
  }
});

test("heads and embeddings that are left out may differ in config.json, and only where all others fit", async () => {
  const head = { "classifier.weight": { shape: [3, 4] } };
  const config = (architecture: string, more = {}) => ({ architectures: [architecture], model_type: "llama", hidden_size: 4, ...more });
  const a = described("a", { ...llm, ...head }, config("LlamaForSequenceClassification", { vocab_size: 8 }));
  const b = described(
    "b",
    { ...llm, "lm_head.weight": { shape: [10, 4] }, "model.embed_tokens.weight": { shape: [10, 4] } },
    config("LlamaForCausalLM", { vocab_size: 10 }),
  );
  const all = ["classifier.weight", "lm_head.weight", "model.embed_tokens.weight"];
  assert.deepEqual(errors(await check([a, b], all)), []);
  const without = errors(await check([a, b], all.slice(0, 1))).map(({ sentence }) => sentence);
  assert.match(without[0]!, /^2 tensors have different shapes: rows of embeddings are not moved from token to token here; --exclude/);
  assert.equal(without.filter((sentence) => sentence.startsWith("config.json: ")).length, 2);
  const wider = described("wider", llm, config("LlamaForCausalLM", { hidden_size: 5 }));
  assert.match(errors(await check([a, wider], ["classifier.weight"]))[0]!.sentence, /hidden_size is /);
});

test("a check of the weights finds whole numbers that differ, as the merge would", async () => {
  await using directory = await temporaryDirectory();
  const model = async (name: string, id: number) => {
    const path = join(directory.path, `${name}.safetensors`);
    const ids = new Uint8Array(BigInt64Array.of(0n, BigInt(id)).buffer);
    const w = new Uint8Array(Float32Array.of(1, 2).buffer);
    const count = new Uint8Array(BigInt64Array.of(BigInt(id)).buffer);
    await writeFile(
      path,
      writeSafetensors([
        { name: "position_ids", dtype: "I64", shape: [2], data: ids },
        { name: "bn.num_batches_tracked", dtype: "I64", shape: [1], data: count },
        { name: "w", dtype: "F32", shape: [2], data: w },
      ]),
    );
    return openModel(path, name);
  };
  const models = [await model("a", 1), await model("b", 2)];
  assert.deepEqual(errors(await checkModels(models, { signal, full: true })), [
    { sentence: "One tensor holds whole numbers that have to agree in all models, and they differ: --exclude leaves it out.", tensors: 1 },
  ]);
  assert.deepEqual(errors(await checkModels(models, { signal, full: true, exclude: new Set(["position_*"]) })), []);
  assert.deepEqual(errors(await checkModels([models[0]!, models[0]!], { signal, full: true })), []);
});

test("models without a head are not given one unless their configuration says that it is tied", async () => {
  const { "lm_head.weight": _, ...body } = llm;
  const own = described("own", llm, { tie_word_embeddings: false });
  const backbone = described("backbone", body, { architectures: ["LlamaModel"] });
  assert.deepEqual((await settleHeads([own, backbone])).notes, []);
  assert.equal((await settleHeads([own, described("file", body)])).models[1]!.tensors.has("lm_head.weight"), false);
  for (const config of [
    { tie_word_embeddings: true },
    { text_config: { tie_word_embeddings: true } },
    { architectures: ["GemmaForCausalLM"] },
  ]) {
    const { models, tied } = await settleHeads([described("tied", body, config), own]);
    assert.deepEqual([models[0]!.tensors.has("lm_head.weight"), tied], [true, false]);
  }
});

test("that heads are embeddings in some models only is said once: as it was settled, or as it is", async () => {
  const { "lm_head.weight": _, ...body } = llm;
  const given = [described("tied", body, { tie_word_embeddings: true }), described("own", llm, { tie_word_embeddings: false })];
  const saying = ({ findings }: Awaited<ReturnType<typeof check>>) =>
    findings.flatMap(({ severity, sentence }) => (sentence.includes("tie_word_embeddings") ? [[severity, sentence]] : []));
  const { models, ...heads } = await settleHeads(given);
  const settled =
    "The head of tied is the embedding, and others have their own: the result has one of its own (tie_word_embeddings: false).";
  assert.deepEqual(saying(await checkModels(models, { signal, full: false, heads })), [["note", settled]]);
  const unsettled = "config.json: tie_word_embeddings is true in tied; false in own.";
  assert.deepEqual(saying(await checkModels(models, { signal, full: false })), [["warning", unsettled]]);
});
