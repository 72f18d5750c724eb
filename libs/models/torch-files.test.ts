import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { digestOf } from "#libs/recipes";
import { fileSource, loadWeights, weightTensor, writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { type ModelFiles, openDigestCache, openModel, weightsDigest } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures/torch-files");
type Expected = Record<string, Record<string, { dtype: string; shape: number[]; values: number[] }>>;
const expected = JSON.parse(await readFile(join(fixtures, "expected.json"), "utf8")) as Expected;

const directory = await temporaryDirectory();
const cache = process.env["XDG_CACHE_HOME"];
process.env["XDG_CACHE_HOME"] = directory.join("cache");
after(async () => {
  if (cache === undefined) delete process.env["XDG_CACHE_HOME"];
  else process.env["XDG_CACHE_HOME"] = cache;
  await directory[Symbol.asyncDispose]();
});

/** The safetensors file that a model's tensors make. */
async function safetensorsOf(model: ModelFiles): Promise<Uint8Array> {
  const rows = [];
  for (const [name, { file, dtype, shape, offset, length }] of model.tensors) {
    await using source = await fileSource(model.files[file]!.path);
    rows.push({ name, dtype, shape, data: await source.read(offset, length) });
  }
  return writeSafetensors(rows, { format: "pt" });
}

for (const name of ["zip.pth", "legacy.pth", "zip-checkpoint.pth", "legacy-tied.pth", "zip-strides.pth", "legacy-strides.pth"]) {
  test(`${name}: its tensors, and the digest of the safetensors file that they make`, async () => {
    const model = await openModel(join(fixtures, name), name);
    assert.deepEqual([...model.tensors.keys()].sort(), Object.keys(expected[name]!).sort());
    const bytes = await safetensorsOf(model);
    for (const [tensor, { values }] of Object.entries(expected[name]!))
      assert.deepEqual([...loadWeights(bytes).get(tensor)!.data].map(Number), values, tensor);
    let read = 0;
    assert.equal(await weightsDigest(model, { onRead: (count) => (read += count) }), digestOf(bytes));
    if (!name.includes("strides"))
      assert.equal(
        read,
        [...model.tensors.values()].reduce((sum, { length }) => sum + length, 0),
      );
  });
}

test("tensors that are not in C order are read from a copy, which is made once", async () => {
  const path = directory.join("best.pth");
  await copyFile(join(fixtures, "zip-strides.pth"), path);
  const model = await openModel(path, "best.pth");
  const [file] = model.files;
  assert.match(file!.path, /\/torch\/[0-9a-f]{64}\/best\.safetensors$/);
  assert.deepEqual(model.notes, [
    `best.pth: 7 tensors such as "t" are not in C order, and a copy in which all are is read from ${file!.path}.`,
  ]);
  const before = await stat(file!.path);
  assert.deepEqual((await openModel(path)).files[0]!.identity, file!.identity);
  assert.equal((await stat(file!.path)).ctimeMs, before.ctimeMs);
  const digest = await weightsDigest(model);
  await writeFile(file!.path, "damaged");
  assert.equal(await weightsDigest(await openModel(path)), digest, "a copy that is no longer whole is made again");
});

test("what was taken of a checkpoint is said, and what lies beside the file counts", async () => {
  const path = directory.join("soup.pth");
  await copyFile(join(fixtures, "zip-checkpoint.pth"), path);
  await writeFile(directory.join("soup.recipe.json"), '{"licences":["MIT"]}');
  const { notes, licences, kind } = await openModel(path, "soup.pth");
  assert.deepEqual([kind, licences], ["file", ["MIT"]]);
  assert.match(notes![0]!, /^soup\.pth: the tensors of "state_dict" are taken; beside it are "epoch", .*\.$/);
});

test("Hugging Face folders: pytorch_model.bin, shards with their index, and safetensors before both", async () => {
  const folder = directory.join("folder");
  await mkdir(folder);
  await copyFile(join(fixtures, "zip.pth"), join(folder, "pytorch_model-00001-of-00002.bin"));
  await copyFile(join(fixtures, "legacy-tied.pth"), join(folder, "pytorch_model-00002-of-00002.bin"));
  const names = (file: string) => Object.keys(expected[file]!);
  const places = [
    ...names("zip.pth").map((name) => [name, "pytorch_model-00001-of-00002.bin"]),
    ...names("legacy-tied.pth").map((name) => [name, "pytorch_model-00002-of-00002.bin"]),
  ];
  await writeFile(join(folder, "pytorch_model.bin.index.json"), JSON.stringify({ weight_map: Object.fromEntries(places) }));
  for (const path of [folder, join(folder, "pytorch_model.bin.index.json")]) {
    const { kind, files, tensors } = await openModel(path);
    assert.deepEqual([kind, files.length, tensors.size], ["folder", 2, places.length]);
    assert.equal(tensors.get("head.weight")!.file, 1);
  }
  await copyFile(join(fixtures, "zip.pth"), join(folder, "pytorch_model.bin"));
  const whole = await openModel(folder, "m");
  assert.deepEqual([...whole.tensors.keys()].sort(), names("zip.pth").sort());
  assert.deepEqual(whole.notes, [
    "m: pytorch_model.bin is taken, as loaders do, and the shards of pytorch_model.bin.index.json beside it are not.",
  ]);
  const w = { name: "w", dtype: "F32", shape: [1], data: new Uint8Array(4) } as const;
  await writeFile(join(folder, "model.safetensors"), writeSafetensors([w]));
  assert.deepEqual([...(await openModel(folder)).tensors.keys()], ["w"]);
});

test("a lone file of PyTorch in a folder is its model, and what a trainer left beside it is not", async () => {
  const folder = directory.join("lone");
  await mkdir(folder);
  for (const name of ["best.pth", "optimizer.pt", "training_args.bin"]) await copyFile(join(fixtures, "zip-types.pth"), join(folder, name));
  const model = await openModel(folder);
  assert.match(model.files[0]!.path, /best\.pth$/);
  const { offset, length, dtype, shape } = model.tensors.get("large")!;
  await using source = await fileSource(join(folder, "best.pth"));
  assert.deepEqual(weightTensor("large", { dtype, shape }, await source.read(offset, length)).data, BigInt64Array.of(2n ** 62n + 1n, -1n));
});

test("what wants to call something is refused with the file's name, and nothing of it was run", async () => {
  for (const [file, call] of [["zip-system.pth", "os.system (posix.system)"], ["legacy-eval.pth", "builtins.eval"]] as const)
    await assert.rejects(openModel(join(fixtures, file), file), { name: "ModelError", kind: "invalid", message: `${file}: it wants to call ${call}; nothing of it was run` }); // biome-ignore format: one row
});

test("a shard has the names that its index has, and the same file alone those without a wrapper's prefix: each with a digest of its own", async () => {
  const folder = directory.join("wrapped");
  await mkdir(folder);
  const shard = join(folder, "pytorch_model-00001-of-00001.bin");
  await copyFile(join(fixtures, "zip-checkpoint.pth"), shard);
  // Old enough to be remembered by the cache.
  await utimes(shard, 1e9, 1e9);
  const names = Object.keys(expected["zip-checkpoint.pth"]!);
  const places = names.map((name) => [`module.${name}`, "pytorch_model-00001-of-00001.bin"]);
  await writeFile(join(folder, "pytorch_model.bin.index.json"), JSON.stringify({ weight_map: Object.fromEntries(places) }));
  const cache = openDigestCache();
  for (const path of [folder, shard, folder]) {
    const model = await openModel(path);
    assert.deepEqual([...model.tensors.keys()].sort(), names.map((name) => (path === folder ? `module.${name}` : name)).sort());
    assert.equal(await weightsDigest(model, { cache }), digestOf(await safetensorsOf(model)));
  }
});

test("a part of a checkpoint is named behind its file, and each part has a digest of its own", async () => {
  const path = directory.join("parts.pth");
  await copyFile(join(fixtures, "zip-ambiguous.pth"), path);
  await assert.rejects(openModel(path, "parts.pth"), /^ModelError: parts\.pth: it holds several dicts of tensors, .*, such as #params$/);
  const [ema, plain] = [await openModel(`${path}#params_ema`, "parts.pth#params_ema"), await openModel(`${path}#params`)];
  assert.deepEqual([ema.path, ema.notes], [path, ['parts.pth#params_ema: the tensors of "params_ema" are taken; beside it is "params".']]);
  assert.notEqual(await weightsDigest(ema), await weightsDigest(plain));
  const safetensors = directory.join("x.safetensors");
  await writeFile(safetensors, writeSafetensors([]));
  await copyFile(safetensors, directory.join("x.bin"));
  await assert.rejects(
    openModel(directory.join("x.bin#a"), "x.bin#a"),
    /x\.bin#a: it is no file of PyTorch, and only these have parts by name$/,
  );
});
