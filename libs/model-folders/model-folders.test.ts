import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { after, test } from "node:test";
import { type ModelFiles, openModel } from "#libs/models";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { companionsOf, isOfTokenizer, mergedConfig, sayDifferences } from "./index.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const weights = (name = "w.weight", dtype: "F32" | "I32" = "F32") =>
  writeSafetensors([{ name, dtype, shape: [2, 2], data: new Uint8Array(16) }]);

/** A folder with these files, opened. */
async function modelOf(name: string, files: { readonly [file: string]: string | object | Uint8Array }): Promise<ModelFiles> {
  for (const [file, content] of Object.entries({ "model.safetensors": weights(), ...files })) {
    const path = directory.join(name, file);
    await mkdir(dirname(path), { recursive: true });
    const plain = typeof content === "string" || content instanceof Uint8Array;
    await writeFile(path, plain ? content : JSON.stringify(content));
  }
  return openModel(directory.join(name), name);
}

const configOf = async (name: string, config: string | object, more = {}) => modelOf(name, { "config.json": config, ...more });
const namesOf = async (model: ModelFiles) => (await companionsOf(model)).map(({ name }) => name);

test("a configuration keeps every number as it was written; its types are those of the result, in all parts that had them", async () => {
  const text = `{
  "_name_or_path": "/home/somebody/x",
  "model_type": "llama",
  "rms_norm_eps": 1e-05,
  "rope_scaling": {
    "factor": 8.0
  },
  "seed": 9007199254740993,
  "text_config": {
    "dtype": "bfloat16"
  },
  "time_step_limit": [
    0.0,
    Infinity
  ],
  "torch_dtype": "bfloat16",
  "vision_config": {
    "torch_dtype": "float32"
  }
}
`;
  const model = await configOf("numbers", text);
  const same = text.replace('  "_name_or_path": "/home/somebody/x",\n', "");
  assert.deepEqual(mergedConfig(model, { dtype: "BF16" }), { text: same, notes: [] });
  // Without --dtype a tower of another type keeps its own.
  const half = same.replaceAll("bfloat16", "float16");
  assert.equal(mergedConfig(model, { dtype: "F16" }).text, half);
  assert.equal(mergedConfig(model, { dtype: "F16", converted: true }).text, half.replace("float32", "float16"));
});

test("a type is added where transformers reads it, and nowhere else", async () => {
  const written = async (name: string, config: object) => JSON.parse(mergedConfig(await configOf(name, config), { dtype: "F32" }).text);
  assert.deepEqual(await written("llama", { model_type: "llama" }), { model_type: "llama", torch_dtype: "float32" });
  const unet = { _class_name: "UNet2DConditionModel", _diffusers_version: "0.30.0" };
  assert.deepEqual(await written("unet", unet), unet);
});

test("how weights were quantised is left out of a model whose weights are not, and stays with those that are", async () => {
  const config = { model_type: "llama", torch_dtype: "float32", quantization_config: { quant_method: "bitsandbytes", load_in_4bit: true } };
  const plain = mergedConfig(await configOf("qlora", config), { dtype: "F32" });
  assert.deepEqual(JSON.parse(plain.text), { model_type: "llama", torch_dtype: "float32" });
  assert.deepEqual(plain.notes, ["config.json of qlora: quantization_config is left out, as the weights are not quantised."]);
  const quantised = await configOf("gptq", config, { "model.safetensors": weights("q_proj.qweight", "I32") });
  assert.deepEqual(
    [JSON.parse(mergedConfig(quantised, { dtype: "F32" }).text), mergedConfig(quantised, { dtype: "F32" }).notes],
    [config, []],
  );
});

test("whether the head is the embedding is said in every part that says it", async () => {
  const model = await configOf("tied", { tie_word_embeddings: true, text_config: { tie_word_embeddings: true }, vision_config: {} });
  assert.deepEqual(JSON.parse(mergedConfig(model, { dtype: "F32", tied: false }).text), {
    tie_word_embeddings: false,
    text_config: { tie_word_embeddings: false },
    vision_config: {},
  });
});

test("layers that are stacked bring their entries of lists along, each from its own model", async () => {
  const a = await configOf("a", {
    num_hidden_layers: 3,
    layer_types: ["full_attention", "sliding_attention", "full_attention"],
    mlp_only_layers: [0, 2],
    hybrid_override_pattern: "M*E",
    first_k_dense_replace: 1,
    depths: [1, 2, 3],
  });
  const b = await configOf("b", { num_hidden_layers: 3, layer_types: ["linear_attention", "x", "y"], mlp_only_layers: [1] });
  const layers = [
    { model: a, layer: 0 },
    { model: a, layer: 1 },
    { model: b, layer: 0 },
    { model: b, layer: 1 },
    { model: a, layer: 2 },
  ];
  const { text, notes } = mergedConfig(a, { dtype: "F32", layers });
  assert.deepEqual(JSON.parse(text), {
    num_hidden_layers: 5,
    layer_types: ["full_attention", "sliding_attention", "linear_attention", "x", "full_attention"],
    mlp_only_layers: [0, 3, 4],
    hybrid_override_pattern: "M*M*E",
    first_k_dense_replace: 1,
    depths: [1, 2, 3],
  });
  assert.deepEqual(notes, ["config.json of a: first_k_dense_replace counts layers, and is as it was before they were stacked."]);
  const nested = await configOf("nested", { text_config: { num_hidden_layers: 1 }, vision_config: { num_hidden_layers: 7 } });
  const twice = [0, 0].map((layer) => ({ model: nested, layer }));
  assert.deepEqual(JSON.parse(mergedConfig(nested, { dtype: "F32", layers: twice }).text), {
    text_config: { num_hidden_layers: 2 },
    vision_config: { num_hidden_layers: 7 },
  });
});

test("all that a model may need to load is copied, and nothing that trainers leave, people look at, or that is weights", async () => {
  const needed = [
    "added_tokens.json",
    "additional_chat_templates/rag.jinja",
    "bpe.codes",
    "chat_template.jinja",
    "configuration_my.py",
    "dict.txt",
    "generation_config.json",
    "modeling_my.py",
    "normalizer.json",
    "open_clip_config.json",
    "preprocessor_config.json",
    "processing_my.py",
    "qwen.tiktoken",
    "tekken.json",
    "tokenization_my.py",
    "tokenizer.json",
    "tokenizer.model",
    "video_preprocessor_config.json",
    "vocab.json",
  ];
  const others = [
    ...[
      "README.md",
      "LICENSE",
      ".gitattributes",
      "config.json",
      "recipe.json",
      "training_args.bin",
      "trainer_state.json",
      "all_results.json",
    ],
    ...["pytorch_model.bin", "pytorch_model.bin.index.json", "model.fp16.safetensors", "tf_model.h5", "flax_model.msgpack", "loss.png"],
    ...["onnx/model.onnx", "runs/events.out.tfevents.1", "other.txt/x"],
  ];
  const model = await modelOf("full", Object.fromEntries([...needed, ...others].map((name) => [name, "{}"])));
  assert.deepEqual(await namesOf(model), needed);
  assert.deepEqual(
    needed.filter(isOfTokenizer),
    needed.filter((name) => /token|tekken|vocab|codes|template|normalizer/.test(name)),
  );
});

test("sentence-transformers: the folders of modules.json, with weights of their own as tensors of the model", async () => {
  const modules = ["", "1_Pooling", "2_Dense"].map((path, idx) => ({ idx, path, type: "sentence_transformers.models" }));
  const model = await modelOf("st", {
    "modules.json": modules,
    "1_Pooling/config.json": { pooling_mode_cls_token: true },
    "2_Dense/config.json": {},
    "2_Dense/model.safetensors": weights("linear.weight"),
    "3_Other/config.json": {},
  });
  assert.deepEqual(await namesOf(model), ["1_Pooling/config.json", "2_Dense/config.json", "modules.json"]);
  assert.deepEqual([[...model.tensors.keys()], model.folders], [["w.weight", "2_Dense/linear.weight"], ["2_Dense"]]);
  await assert.rejects(
    modelOf("st-gguf", { "modules.json": modules, "1_Pooling/config.json": {}, "2_Dense/model.gguf": "x" }),
    /^ModelError: st-gguf\/2_Dense\/model\.gguf: it is a GGUF file/,
  );
  await assert.rejects(modelOf("st-out", { "modules.json": [{ path: "../st" }] }), /"\.\.\/st" is no folder below the model's/);
});

test("a pointer of Git LFS or a page in the place of a file is an error, as the model would not load with it", async () => {
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\n";
  await assert.rejects(
    companionsOf(await modelOf("lfs", { "tokenizer.json": pointer })),
    /^ModelError: lfs\/tokenizer\.json: it is a Git LFS pointer/,
  );
  await assert.rejects(
    companionsOf(await modelOf("page", { "vocab.json": "<!DOCTYPE html><html>" })),
    /^ModelError: page\/vocab\.json: it is a web page/,
  );
});

test("where models differ beside their weights, a sentence says whose files are taken", async () => {
  const one = await configOf(
    "one",
    { model_type: "x", eos_token_id: 1, _name_or_path: "p" },
    { "generation_config.json": "{}", "merges.txt": "" },
  );
  const two = await configOf(
    "two",
    { model_type: "x", eos_token_id: 2, _name_or_path: "q" },
    { "generation_config.json": "{ }", "chat_template.jinja": "x" },
  );
  assert.equal(await sayDifferences(one, await companionsOf(one), [one, one]), undefined);
  assert.equal(
    await sayDifferences(one, await companionsOf(one), [one, two]),
    "what lies beside the weights is that of one: two has other config.json (eos_token_id), generation_config.json, no merges.txt, also chat_template.jinja, which the result does not have.",
  );
});
