import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { after, test } from "node:test";
import { applyAdapter, checkModels, methodNamed, settleHeads } from "#libs/merging";
import { digestsOf, outputOf } from "#libs/model-folders";
import { type ModelFiles, openModel } from "#libs/models";
import { parseSafetensorsHeader, type TensorData, writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { prepareMerge, stemFor, writeModel } from "./index.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
process.env["XDG_CACHE_HOME"] = directory.join("cache");
const { signal } = new AbortController();

const tensor = (name: string, values: readonly number[], shape: readonly number[] = [values.length]): TensorData => ({
  ...{ name, dtype: "F32", shape },
  data: new Uint8Array(Float32Array.from(values).buffer),
});

async function folder(name: string, files: { readonly [file: string]: Uint8Array | object | string }): Promise<ModelFiles> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(directory.join(name, file)), { recursive: true });
    const plain = typeof content === "string" || content instanceof Uint8Array;
    await writeFile(directory.join(name, file), plain ? content : JSON.stringify(content));
  }
  return openModel(directory.join(name), name);
}

/** The mean of models as a folder; what was noted. */
async function average(opened: readonly ModelFiles[], name: string, maxShardBytes = 1e9): Promise<string[]> {
  const { models, tied } = await settleHeads(opened);
  const notes: string[] = [];
  const digests = await digestsOf(models, { signal });
  const merge = prepareMerge({ method: "linear", models, digests, maxShardBytes, ...stemFor(models) });
  const report = await checkModels(models, { signal });
  const output = await outputOf(directory.join(name));
  await writeModel(
    { merge, method: methodNamed("linear")!, models, digests, output, report, parameters: { method: "linear" }, tied },
    { threads: 1, fsync: false, force: false, signal, onProgress: () => undefined, onNote: (note) => notes.push(note) },
  );
  return notes;
}

const list = async (name: string) => (await readdir(directory.join(name), { recursive: true })).sort();
async function numbers(...path: string[]): Promise<{ [tensor: string]: number[] }> {
  const file = new Uint8Array(await readFile(directory.join(...path)));
  const { tensors, dataOffset } = parseSafetensorsHeader(file, file.length);
  const values = (begin: number, end: number) => [...new Float32Array(file.slice(dataOffset + begin, dataOffset + end).buffer)];
  return Object.fromEntries([...tensors].map(([name, { begin, end }]) => [name, values(begin, end)]));
}

test("sentence-transformers: dense layers in their own folders are averaged too, and every file has its place", async () => {
  const model = (name: string, by: number) =>
    folder(name, {
      "config.json": { model_type: "bert" },
      "model.safetensors": writeSafetensors([tensor("w", [by, 2 * by])]),
      "modules.json": [{ path: "" }, { path: "1_Pooling" }, { path: "2_Dense" }],
      "1_Pooling/config.json": { pooling_mode_cls_token: true },
      "2_Dense/config.json": { in_features: 1 },
      "2_Dense/model.safetensors": writeSafetensors([tensor("linear.weight", [10 * by]), tensor("w", [by])]),
      "sentence_bert_config.json": {},
    });
  const models = [await model("st-a", 1), await model("st-b", 3)];
  assert.deepEqual(await average(models, "st"), []);
  const files = ["config.json", "modules.json", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"];
  assert.deepEqual(
    await list("st"),
    [...files, "1_Pooling", "2_Dense", "model.safetensors", "sentence_bert_config.json", "README.md", "recipe.json"].sort(),
  );
  assert.deepEqual(await numbers("st", "model.safetensors"), { w: [2, 4] });
  assert.deepEqual(await numbers("st", "2_Dense", "model.safetensors"), { "linear.weight": [20], w: [2] });
  // What came of it is a model of the same kind.
  assert.deepEqual((await openModel(directory.join("st"))).folders, ["2_Dense"]);
});

test("texts of licences come along in one file, to which the card links", async () => {
  const model = (name: string, licence: string, by: number, texts: { readonly [file: string]: string }) =>
    folder(name, {
      "config.json": { model_type: "bert" },
      "model.safetensors": writeSafetensors([tensor("w", [by])]),
      "README.md": `---\nlicense: other\nlicense_name: ${licence}\n---\n`,
      ...texts,
    });
  const own = { "LICENSE.txt": "You may use it.\n", NOTICE: "Made by us.\n" };
  await average([await model("own-a", "our-own", 1, own), await model("own-b", "our-own", 3, { LICENSE: "You may use it." })], "own");
  const text = await readFile(directory.join("own", "LICENSE"), "utf8");
  for (const part of [
    "LICENSE.txt of own-a, LICENSE of own-b\n",
    "NOTICE of own-a\n",
    "Made by us.",
    "- own-b: our-own\n",
    "our-own: SPDX does not list it.",
  ])
    assert.ok(text.includes(part), `${part} in ${text}`);
  assert.equal(text.split("You may use it.").length, 2);
  assert.ok((await readFile(directory.join("own", "README.md"), "utf8")).includes("[LICENSE](LICENSE)"));
  assert.ok(!(await list("own")).includes("NOTICE"));
});

test("diffusers: files and the index of their shards are called as their loader looks for them", async () => {
  const model = (name: string, by: number) =>
    folder(name, {
      "config.json": { _class_name: "UNet2DConditionModel", _diffusers_version: "0.30.0" },
      "diffusion_pytorch_model.safetensors": writeSafetensors([tensor("a", [by]), tensor("b", [by])]),
      "diffusion_pytorch_model.fp16.safetensors": writeSafetensors([tensor("a", [100]), tensor("b", [100])]),
    });
  const models = [await model("unet-a", 1), await model("unet-b", 3)];
  await average(models, "unet");
  assert.deepEqual(await list("unet"), ["README.md", "config.json", "diffusion_pytorch_model.safetensors", "recipe.json"]);
  assert.deepEqual(await numbers("unet", "diffusion_pytorch_model.safetensors"), { a: [2], b: [2] });
  assert.deepEqual(JSON.parse(await readFile(directory.join("unet", "config.json"), "utf8")), models[0]!.config);
  await average(models, "shards", 4);
  const shards = [1, 2].map((i) => `diffusion_pytorch_model-0000${i}-of-00002.safetensors`);
  assert.deepEqual(await list("shards"), [
    "README.md",
    "config.json",
    ...shards,
    "diffusion_pytorch_model.safetensors.index.json",
    "recipe.json",
  ]);
  assert.equal((await openModel(directory.join("shards"))).tensors.size, 2);
});

test("a model with an adapter is a whole model: files of the base, names and digests of both, no licence that one of them does not name", async () => {
  const base = await folder("base", {
    "config.json": { model_type: "llama", torch_dtype: "float32" },
    "generation_config.json": { eos_token_id: 2 },
    "tokenizer.json": {},
    "README.md": "---\nlicense: apache-2.0\n---\n",
    "model.safetensors": writeSafetensors([tensor("q.weight", [1, 2, 3, 4], [2, 2])]),
  });
  const adapter = await folder("adapter", {
    "adapter_config.json": { peft_type: "LORA", r: 1, lora_alpha: 2, target_modules: ["q"] },
    "adapter_model.safetensors": writeSafetensors([
      tensor("base_model.model.q.lora_A.weight", [1, 1], [1, 2]),
      tensor("base_model.model.q.lora_B.weight", [1, 1], [2, 1]),
    ]),
  });
  const [of = "sha256:", with_ = "sha256:"] = await digestsOf([base, adapter], { signal });
  const applied = await applyAdapter(base, adapter, {
    directory: directory.join("applied"),
    digests: { base: of, adapter: with_ },
    fsync: false,
    signal,
  });
  assert.deepEqual(await average([applied, base], "with-adapter"), []);
  assert.deepEqual(await numbers("with-adapter", "model.safetensors"), { "q.weight": [2, 3, 4, 5] });
  const made = await list("with-adapter");
  assert.deepEqual(made, ["README.md", "config.json", "generation_config.json", "model.safetensors", "recipe.json", "tokenizer.json"]);
  const recipe = JSON.parse(await readFile(directory.join("with-adapter", "recipe.json"), "utf8"));
  assert.deepEqual(recipe.models[0].name, "base+adapter");
  assert.deepEqual(recipe.models[0].parts, [
    { name: "base", weights: of },
    { name: "adapter", weights: with_ },
  ]);
  assert.deepEqual(recipe.licences, []);
  const card = await readFile(directory.join("with-adapter", "README.md"), "utf8");
  assert.match(card, /license: unknown\n/);
  assert.match(card, /None is known: adapter names no licence\./);
  assert.ok(card.includes(`| ↳ adapter | none stated | \`${with_}\` |`), card);
  assert.ok(!card.includes(directory.path) && !JSON.stringify(recipe).includes(directory.path));
});

test("tied and untied heads, in any order: the embedding counts as the head of a tied model, and config.json says what came of it", async () => {
  const model = (name: string, by: number, head: number | undefined, tied: boolean) =>
    folder(name, {
      "config.json": { model_type: "llama", architectures: ["LlamaForCausalLM"], tie_word_embeddings: tied },
      "model.safetensors": writeSafetensors([
        tensor("model.embed_tokens.weight", [by, by + 1], [2, 1]),
        tensor("model.norm.weight", [by]),
        ...(head === undefined ? [] : [tensor("lm_head.weight", [head, head + 1], [2, 1])]),
      ]),
    });
  const tied = await model("tied", 1, undefined, true);
  const copy = await model("copy", 5, 5, true);
  const untied = await model("untied", 3, 100, false);
  const body = { "model.embed_tokens.weight": [2, 3], "model.norm.weight": [2] };
  const cases: readonly (readonly [models: readonly ModelFiles[], numbers: object, tied: boolean])[] = [
    [[tied, untied], { ...body, "lm_head.weight": [50.5, 51.5] }, false],
    [[untied, tied], { ...body, "lm_head.weight": [50.5, 51.5] }, false],
    [[tied, copy], { "model.embed_tokens.weight": [3, 4], "model.norm.weight": [3] }, true],
    [[copy, tied], { "model.embed_tokens.weight": [3, 4], "model.norm.weight": [3] }, true],
    [[copy, untied], { "model.embed_tokens.weight": [4, 5], "model.norm.weight": [4], "lm_head.weight": [52.5, 53.5] }, false],
    [[untied, copy], { "model.embed_tokens.weight": [4, 5], "model.norm.weight": [4], "lm_head.weight": [52.5, 53.5] }, false],
  ];
  for (const [i, [models, wanted, isTied]] of cases.entries()) {
    await average(models, `heads-${i}`);
    assert.deepEqual(await numbers(`heads-${i}`, "model.safetensors"), wanted);
    const config = JSON.parse(await readFile(directory.join(`heads-${i}`, "config.json"), "utf8"));
    assert.equal(config.tie_word_embeddings, isTied);
  }
});
