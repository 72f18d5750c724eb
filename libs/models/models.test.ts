import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { type TensorData, writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { openModel } from "./index.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
let folders = 0;

/** A tensor of float32 numbers in one row. */
function row(name: string, ...values: number[]): TensorData {
  return { name, dtype: "F32", shape: [values.length], data: new Uint8Array(new Float32Array(values).buffer) };
}

/** Writes files into a new folder; objects as JSON. */
async function folderOf(files: { readonly [name: string]: Uint8Array | string | object }): Promise<string> {
  folders += 1;
  const folder = directory.join(`folder-${folders}`);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const isBytes = typeof content === "string" || content instanceof Uint8Array;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), isBytes ? content : JSON.stringify(content));
  }
  return folder;
}

const first = "model-00001-of-00002.safetensors";
const second = "model-00002-of-00002.safetensors";
const indexName = "model.safetensors.index.json";

function sharded(weights: { readonly [tensor: string]: string }) {
  return {
    [first]: writeSafetensors([row("a", 1, 2)]),
    [second]: writeSafetensors([row("b", 3), row("c", 4)]),
    [indexName]: { metadata: { total_size: 16 }, weight_map: weights },
  };
}
const right = { a: first, b: second, c: second };

/** The message with which a model cannot be opened, the folder named `m`. */
async function refusal(path: string): Promise<string> {
  const error = await openModel(path, "m").then(
    () => assert.fail(`${path} was opened`),
    (problem: unknown) => problem as Error,
  );
  assert.equal(error.name, "ModelError", String(error.stack));
  return error.message;
}

test("a file: its tensors with their bytes, and the licences of the recipe beside it", async () => {
  const folder = await folderOf({
    "a.safetensors": writeSafetensors([row("x", 1, 2), row("y", 3)]),
    "a.recipe.json": { licences: ["MIT", "Apache-2.0"], foundation: "sha256:00" },
  });
  const model = await openModel(join(folder, "a.safetensors"));
  assert.equal(model.kind, "file");
  assert.deepEqual([...model.tensors.keys()], ["x", "y"]);
  const { offset, length, shape } = model.tensors.get("y")!;
  assert.deepEqual([offset + length, length, shape], [model.files[0]?.size, 4, [1]]);
  assert.deepEqual([model.licences, model.foundation], [["Apache-2.0", "MIT"], "sha256:00"]);
});

test("a folder with shards: files in the order of their names, tensors with the file that they are in", async () => {
  const folder = await folderOf({ ...sharded(right), "config.json": { model_type: "vit" } });
  for (const path of [folder, join(folder, indexName)]) {
    const model = await openModel(path);
    assert.equal(model.kind, "folder");
    assert.deepEqual(
      [...model.tensors].map(([name, { file }]) => [name, file]),
      [
        ["a", 0],
        ["b", 1],
        ["c", 1],
      ],
    );
    assert.deepEqual(model.config, { model_type: "vit" });
  }
});

test("model.safetensors comes before an index, as in transformers", async () => {
  const folder = await folderOf({ ...sharded(right), "model.safetensors": writeSafetensors([row("whole", 1)]) });
  assert.deepEqual([...(await openModel(folder)).tensors.keys()], ["whole"]);
});

test("what the index says counts: what else is stored in shards is passed over, with a note, as loaders do", async () => {
  const extra = { ...sharded(right), [second]: writeSafetensors([row("a", 7, 7), row("b", 3), row("c", 4), row("rotary.inv_freq", 5)]) };
  const model = await openModel(await folderOf(extra), "m");
  assert.deepEqual(
    [...model.tensors].map(([name, { file }]) => [name, file]),
    [
      ["a", 0],
      ["b", 1],
      ["c", 1],
    ],
  );
  assert.deepEqual(model.notes, [`m: 2 tensors such as "a" are passed over: stored in a shard, and not said to be there by ${indexName}.`]);
});

test("shards in a folder below are found, and none outside of it", async () => {
  const folder = await folderOf({
    "sub/one.safetensors": writeSafetensors([row("a", 1)]),
    [indexName]: { weight_map: { a: "sub/one.safetensors" } },
  });
  assert.deepEqual([...(await openModel(folder)).tensors.keys()], ["a"]);
  for (const out of ["sub/../../a.safetensors", "/a.safetensors", "sub//a.safetensors"])
    assert.match(await refusal(await folderOf({ ...sharded(right), [indexName]: { weight_map: { a: out } } })), /in the folder$/);
});

test("weights under the names that diffusers and open_clip look for; of two precisions the one without a variant", async () => {
  const weights = writeSafetensors([row("a", 1)]);
  for (const stem of ["diffusion_pytorch_model", "open_clip_model"]) {
    const model = await openModel(
      await folderOf({ [`${stem}.safetensors`]: weights, [`${stem}.fp16.safetensors`]: weights, "x.safetensors": weights }),
    );
    assert.match(model.files[0]!.path, new RegExp(`/${stem}\\.safetensors$`));
  }
});

test("numbers that Python writes and JSON does not have, and a byte order mark, are read; the text stays as it was", async () => {
  const text = '\uFEFF{"time_step_limit": [0.0, Infinity], "x": [NaN, -Infinity], "seed": 9007199254740993}';
  const model = await openModel(await folderOf({ "model.safetensors": writeSafetensors([row("a", 1)]), "config.json": text }));
  assert.deepEqual(model.config, {
    time_step_limit: [0, Number.POSITIVE_INFINITY],
    x: [Number.NaN, Number.NEGATIVE_INFINITY],
    seed: 9007199254740992,
  });
  assert.equal(model.configText, text);
});

test("the hub's cache: links to files that are named by their digest", async () => {
  const folder = await folderOf({ blob: writeSafetensors([row("a", 1)]) });
  const snapshot = join(folder, "snapshots", "main");
  await mkdir(snapshot, { recursive: true });
  await symlink(join("..", "..", "blob"), join(snapshot, "model.safetensors"));
  assert.deepEqual([...(await openModel(snapshot)).tensors.keys()], ["a"]);
});

test("tied weights that the writer left out are not missed, and a file without tensors is a model without tensors", async () => {
  const folder = await folderOf({ "model.safetensors": writeSafetensors([]), "config.json": { tie_word_embeddings: true } });
  assert.equal((await openModel(folder)).tensors.size, 0);
});

test("an adapter folder has its configuration and its foundation", async () => {
  const folder = await folderOf({
    "adapter_model.safetensors": writeSafetensors([row("base_model.model.q.lora_A.weight", 1)]),
    "adapter_config.json": { base_model_name_or_path: "google/vit-base-patch16-224", r: 1 },
  });
  const model = await openModel(folder);
  assert.deepEqual([model.kind, model.foundation, model.config?.["r"]], ["adapter", "google/vit-base-patch16-224", 1]);
});

test("licence and foundation from a model card, in the hub's words", async () => {
  const weights = { "model.safetensors": writeSafetensors([row("a", 1)]) };
  const cards: readonly (readonly [card: string, licences: readonly string[], foundation?: string])[] = [
    ["---\nlicense: apache-2.0\nbase_model: org/base\n---\n# Card", ["Apache-2.0"], "org/base"],
    ["---\r\nlicense: mit\r\nbase_model:\r\n- org/base\r\n---\r\n", ["MIT"], "org/base"],
    ["---\nlicense: mit\nbase_model: [a/a, b/b]\n---\n", ["MIT"]],
    ["---\nlicense: mit\nbase_model: a/a\nbase_model_relation: merge\n---\n", ["MIT"]],
    ["---\nlicense: [broken\n---\n", []],
    ["# No front matter\nlicense: mit\n", []],
  ];
  for (const [card, licences, foundation] of cards) {
    const model = await openModel(await folderOf({ ...weights, "README.md": card }));
    assert.deepEqual([model.licences, model.foundation], [licences, foundation], card);
  }
});

test("what is no model is refused with one sentence that says what is wrong", async () => {
  const weights = writeSafetensors([row("a", 1)]);
  const cases: readonly (readonly [files: Parameters<typeof folderOf>[0], said: string, path?: string])[] = [
    [{}, "m: no model.safetensors or pytorch_model.bin is in the folder"],
    [{}, "cannot read m: it does not exist", "nothing.safetensors"],
    [
      { "pytorch_model.bin": "some text, no weights" },
      'm/pytorch_model.bin: it is a text that begins with "some text, no weight"; expected safetensors',
    ],
    [{ "a.pth": "x", "b.pth": "x", "optimizer.pt": "x" }, "m: the folder has several models (a.pth, b.pth); name one of these files"],
    [
      { "pytorch_model-00001-of-00002.bin": "x" },
      "m: there are shards such as pytorch_model-00001-of-00002.bin, but no pytorch_model.bin.index.json that says what is where",
    ],
    [
      { "pytorch_model.bin.index.json": { weight_map: { a: "../a.bin" } } },
      'm/pytorch_model.bin.index.json: weight_map["a"] is "../a.bin", expected the name of a bin file in the folder',
    ],
    [
      { "a.safetensors": weights, "b.safetensors": weights },
      "m: the folder has several models (a.safetensors, b.safetensors); name one of these files",
    ],
    [{ [first]: weights }, `m: there are shards such as ${first}, but no ${indexName} that says what is where`],
    [{ ...sharded({ a: first }), [second]: weights, [indexName]: "{" }, `m/${indexName} is not JSON: `],
    [
      { ...sharded(right), [indexName]: { metadata: {} } },
      `m/${indexName}: weight_map is missing, which says in which file each tensor is`,
    ],
    [
      sharded({ ...right, a: "../a.safetensors" }),
      `m/${indexName}: weight_map["a"] is "../a.safetensors", expected the name of a safetensors file in the folder`,
    ],
    [
      { [first]: weights, [indexName]: { weight_map: right } },
      `m: the shard ${second} cannot be read, in which ${indexName} has 2 tensors: it does not exist`,
    ],
    [sharded({ ...right, d: second }), `m: tensor "d" should be in ${second} as ${indexName} says, but is in no shard`],
    [sharded({ ...right, b: first }), `m: tensor "b" should be in ${first} as ${indexName} says, but is in ${second}`],
    [
      { "adapter_model.safetensors": weights },
      "m: there is adapter_model.safetensors, but no adapter_config.json, without which it has no meaning",
    ],
    [{ "adapter_config.json": {} }, "m: there is adapter_config.json, but no adapter_model.safetensors"],
    [{ "adapter_model.bin": "x" }, "m: there is adapter_model.bin, but no adapter_config.json, without which it has no meaning"],
    [
      { "model_index.json": {}, "x.safetensors": weights },
      "m: it is a whole pipeline (model_index.json), and those are not averaged as one",
    ],
    [{ "refs/main": "1", "snapshots/1/x": "" }, "m: it is a folder of the hub's cache, which has versions of a model"],
    [
      { "training_args.bin": "x", "tf_model.h5": "x" },
      "m: no model.safetensors or pytorch_model.bin is in the folder, only tf_model.h5, weights of TensorFlow",
    ],
    [
      { "flax_model.msgpack": "x" },
      "m: no model.safetensors or pytorch_model.bin is in the folder, only flax_model.msgpack, weights of Flax",
    ],
    [{ "model.onnx": "x" }, "m: no model.safetensors or pytorch_model.bin is in the folder, only model.onnx, an ONNX file"],
    [{ "a.Q4_K.gguf": "x" }, "m: no model.safetensors or pytorch_model.bin is in the folder, only a.Q4_K.gguf, a GGUF file"],
    [
      { "model.safetensors": weights, "config.json": "version https://git-lfs.github.com/spec/v1" },
      "m/config.json: it is a Git LFS pointer",
    ],
    [{ "model.safetensors": weights, "config.json": "[]" }, "m/config.json is not a JSON object"],
    [
      { "model.safetensors": weights.subarray(0, weights.length - 1) },
      'm/model.safetensors: not a valid safetensors file (data-past-end): tensor "a" ends at byte 4 of the data, the file has 3',
    ],
    [
      { "x.bin": "PK\x03\x04 and so on" },
      "m: its zip archive is broken: its end is missing: it was cut off, or downloaded in part",
      "x.bin",
    ],
    [{ "x.npz": "PK\x03\x04 and so on" }, "m: it is an archive of NumPy", "x.npz"],
    [
      { "x.safetensors": new Uint8Array([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]) },
      "m: it is a file of PyTorch that is called otherwise: name it .pth, and it is read without running anything of it",
      "x.safetensors",
    ],
    [{ "x.safetensors": "<!DOCTYPE html><html><head>" }, "m: it is a web page (HTML), not the file itself", "x.safetensors"],
    [{ "x.safetensors": new Uint8Array([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0]) }, "m: it is an HDF5 file", "x.safetensors"],
    [{ "x.safetensors": '{"error": "Entry not found"}' }, 'm: it is a text that begins with "{\\"error\\": ', "x.safetensors"],
    [{ "x.safetensors": new Uint8Array([0x08, 0x07, 0x12, 0x07, 0x70, 0x79, 0x74, 0x6f]) }, "m: it is an ONNX file", "x.safetensors"],
    [{ "x.gguf": "GGUF and so on" }, "m: it is a GGUF file; average the safetensors that it was made of", "x.gguf"],
    [
      { "model.safetensors": "version https://git-lfs.github.com/spec/v1\n" },
      "m/model.safetensors: it is a Git LFS pointer, not the file itself; fetch it with: git lfs pull --include model.safetensors",
    ],
    [
      { "x.safetensors": "" },
      "m: not a valid safetensors file (file-too-short): it has 0 bytes, the header length alone needs 8",
      "x.safetensors",
    ],
  ];
  for (const [files, said, path = ""] of cases) {
    const message = await refusal(join(await folderOf(files), path));
    assert.ok(message.startsWith(said), `${message}\n${said}`);
    assert.ok(!message.includes("\n"));
  }
});
