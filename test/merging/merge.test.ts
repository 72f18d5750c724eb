import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "#libs/models";
import { digestOf } from "#libs/recipes";
import { parseSafetensorsHeader, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { runCli } from "../e2e/cli.ts";
import { runHere } from "../e2e/here.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const env = { XDG_CACHE_HOME: directory.join("cache") };

/** The command, in a folder whose models a configuration names by relative paths. */
const merge = (cwd: string, ...args: string[]) => runHere(["merge", ...args], { cwd, env });
const out = (...parts: string[]) => directory.join(...parts);
const read = async (path: string) => new Uint8Array(await readFile(path));

/** Tensors of a file as float32, with their types. */
async function tensorsIn(path: string): Promise<Map<string, { dtype: string; shape: readonly number[]; values: Float32Array }>> {
  const bytes = await read(path);
  const { tensors, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
  return new Map(
    [...tensors].map(([name, { dtype, shape, begin, end }]) => {
      const values = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1));
      widen(dtype as "F32", bytes.slice(dataOffset + begin, dataOffset + end), values);
      return [name, { dtype, shape, values }];
    }),
  );
}

/** Float32 within 2e-5 of max(|x|, 1e-3), bfloat16 within one unit in the last place. */
async function assertLikeMergekit(actualPath: string, expectedPath: string): Promise<void> {
  const [actual, expected] = [await tensorsIn(actualPath), await tensorsIn(expectedPath)];
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { dtype, shape, values }] of actual) {
    const wanted = expected.get(name)!;
    assert.deepEqual([dtype, shape], [wanted.dtype, wanted.shape], name);
    for (const [i, value] of wanted.values.entries()) {
      const size = Math.abs(value);
      const allowed = dtype === "F32" ? 2e-5 * Math.max(size, 1e-3) : 2 ** (Math.floor(Math.log2(size)) - 7);
      assert.ok(Math.abs(values[i]! - value) <= allowed, `${name}[${i}] is ${values[i]}, mergekit has ${value}`);
    }
  }
}

for (const name of ["linear-bf16-in-f32-math", "linear-f32-in-bf16-out", "ties", "slerp", "nuslerp-rowwise-base", "sce"]) {
  test(`mergekit-pytorch: ${name}.yml, unchanged, gives mergekit's numbers`, async () => {
    const folder = `${fixtures}mergekit`;
    const { code, stderr } = await merge(folder, `cases/${name}.yml`, "-o", out(`${name}.safetensors`), "--quiet");
    assert.equal(code, 0, stderr);
    await assertLikeMergekit(out(`${name}.safetensors`), `${folder}/cases/${name}.safetensors`);
  });
}

for (const name of ["module", "precedence", "slerp-gradients", "stacked", "ties-gradients"]) {
  test(`mergekit-yaml: ${name}.yml, unchanged, gives mergekit's numbers from folders with shards`, async () => {
    const folder = `${fixtures}mergekit-config`;
    const { code, stderr } = await merge(folder, `cases/${name}.yml`, "-o", out(name), "--quiet");
    assert.equal(code, 0, stderr);
    await assertLikeMergekit(out(name, "model.safetensors"), `${folder}/cases/${name}.safetensors`);
  });
}

test("a folder is a whole model: configuration with its layers, card, recipe without folders, and the configuration itself", async () => {
  const folder = `${fixtures}mergekit-config`;
  const args = ["cases/stacked.yml", "-o", out("whole"), "--max-shard-size", "6KB", "--json"];
  const { code, stdout, stderr } = await runCli(["merge", ...args], { cwd: folder, env });
  assert.equal(code, 0, stderr);
  const files = (await readdir(out("whole"))).sort();
  assert.deepEqual(files, [
    "README.md",
    "config.json",
    "mergekit_config.yml",
    ...[1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`),
    "model.safetensors.index.json",
    "recipe.json",
  ]);
  const text = await readFile(`${folder}/cases/stacked.yml`, "utf8");
  assert.equal(await readFile(out("whole", "mergekit_config.yml"), "utf8"), text);
  const config = JSON.parse(await readFile(out("whole", "config.json"), "utf8"));
  assert.deepEqual([config.num_hidden_layers, config.torch_dtype, config.model_type], [6, "float32", "llama"]);
  const model = await openModel(out("whole"));
  assert.equal(model.tensors.size, 57);
  assert.equal((await openModel(out("stacked"))).tensors.size, 57);
  const recipe = await readFile(out("whole", "recipe.json"), "utf8");
  assert.ok(!recipe.includes("models/a"), recipe);
  const { parameters, inputs } = JSON.parse(recipe);
  assert.equal(parameters.method, "passthrough");
  assert.deepEqual(parameters.slices[0], { sources: [{ model: inputs.models[0], layer_range: [0, 3] }] });
  const card = await readFile(out("whole", "README.md"), "utf8");
  assert.ok(card.includes(text.trim()) && card.includes(inputs.models[1]), card);
  const said = JSON.parse(stdout);
  assert.equal(said.files[0].digest, digestOf(await read(out("whole", "model-00001-of-00003.safetensors"))));
});

test("the same configuration gives the same bytes, with any number of threads; the seed of random methods counts", async () => {
  const folder = `${fixtures}mergekit`;
  const text = (await readFile(`${folder}/cases/ties.yml`, "utf8")).replace("merge_method: ties", "merge_method: dare_ties");
  await writeFile(out("dare.yml"), text);
  await writeFile(out("seeded.yml"), `${text}random_seed: 7\n`);
  const digests: string[] = [];
  const runs = [["dare.yml"], ["dare.yml", "--threads", "1"], ["dare.yml", "--seed", "7"], ["seeded.yml"]];
  for (const [i, [file, ...rest]] of runs.entries()) {
    const { code, stderr } = await merge(folder, out(file!), "-o", out(`dare-${i}.safetensors`), "--quiet", ...rest);
    assert.equal(code, 0, stderr);
    digests.push(digestOf(await read(out(`dare-${i}.safetensors`))));
  }
  assert.equal(digests[0], digests[1]);
  assert.equal(digests[2], digests[3]);
  assert.notEqual(digests[0], digests[2]);
});

test("tokenizers are copied as the configuration says, and a union of different ones is refused with the reason", async () => {
  await cp(`${fixtures}mergekit-config/models`, out("tok", "models"), { recursive: true });
  const tokenizer = (tokens: object) => JSON.stringify({ model: { type: "BPE", vocab: tokens }, added_tokens: [] });
  await writeFile(out("tok", "models", "a", "tokenizer.json"), tokenizer({ x: 0, y: 1 }));
  await writeFile(out("tok", "models", "a", "chat_template.jinja"), "of a");
  await writeFile(out("tok", "models", "a", "generation_config.json"), "{}");
  await writeFile(out("tok", "models", "b", "tokenizer.json"), `${tokenizer({ y: 1, x: 0 })}\n`);
  const config = "merge_method: linear\nmodels:\n  - model: models/a\n  - model: models/b\n";
  const run = async (more: string, name: string) => {
    await writeFile(out("tok", `${name}.yml`), `${config}${more}`);
    return merge(out("tok"), `${name}.yml`, "-o", name, "--quiet");
  };
  assert.equal((await run("tokenizer_source: models/b\n", "of-b")).code, 0);
  const files = await readdir(out("tok", "of-b"));
  assert.ok(files.includes("generation_config.json") && !files.includes("chat_template.jinja"), files.join());
  assert.deepEqual(await read(out("tok", "of-b", "tokenizer.json")), await read(out("tok", "models", "b", "tokenizer.json")));
  assert.equal((await run("tokenizer_source: union\nchat_template: auto\n", "union")).code, 0);
  assert.ok((await readdir(out("tok", "union"))).includes("chat_template.jinja"));

  const moved = await run("chat_template: auto\ntokenizer_source: models/b\n", "moved");
  assert.equal(moved.code, 2);
  assert.match(
    moved.stderr,
    /`chat_template` at line 5 is `auto`, and most models have that of models\/a, while the tokenizer is of models\/b/,
  );
  await writeFile(out("tok", "models", "b", "tokenizer.json"), tokenizer({ x: 1, y: 0 }));
  const union = await run("tokenizer: { source: union }\n", "different");
  assert.equal(union.code, 2);
  assert.match(union.stderr, /tokenizer at line 5 is `union`, .* those of models\/a and models\/b differ/);
  const base = await run("tokenizer_source: base\n", "base");
  assert.match(base.stderr, /tokenizer at line 5 is `base`, and there is no `base_model`/);
});

test("models whose layers are stacked may have different numbers of them, and nothing else", async () => {
  await cp(`${fixtures}mergekit-config/models`, out("stack", "models"), { recursive: true });
  const model = out("stack", "models", "b", "config.json");
  const given = JSON.parse(await readFile(model, "utf8"));
  const sources = (name: string) => `  - sources: [{ model: models/${name}, layer_range: [0, 2] }]\n`;
  await writeFile(out("stack", "c.yml"), `merge_method: passthrough\nslices:\n${sources("a")}${sources("b")}`);
  await writeFile(model, JSON.stringify({ ...given, num_hidden_layers: 5 }));
  const good = await merge(out("stack"), "c.yml", "-o", "good", "--quiet");
  assert.equal(good.code, 0, good.stderr);
  await writeFile(model, JSON.stringify({ ...given, hidden_size: 16 }));
  const bad = await merge(out("stack"), "c.yml", "-o", "bad", "--quiet");
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /config\.json: hidden_size is /);
});

test("several merges in one file: those with a name first, each once", async () => {
  await cp(`${fixtures}mergekit-config/models`, out("multi", "models"), { recursive: true });
  const half = (a: string, b: string) => `merge_method: linear\nmodels:\n  - model: ${a}\n  - model: ${b}\n`;
  await writeFile(out("multi", "multi.yml"), `${half("middle", "models/base")}---\nname: middle\n${half("models/a", "models/b")}`);
  const run = (...args: string[]) => merge(out("multi"), "multi.yml", "-o", "result", "--quiet", ...args);
  const without = await run();
  assert.deepEqual([without.code, /say with --intermediate-dir where/.test(without.stderr)], [2, true], without.stderr);
  const first = await run("--intermediate-dir", "steps");
  assert.equal(first.code, 0, first.stderr);
  assert.equal((await readdir(out("multi", "steps", "middle"))).includes("model.safetensors"), true);
  const result = await read(out("multi", "result", "model.safetensors"));
  await writeFile(out("multi", "two.yml"), half("steps/middle", "models/base"));
  assert.equal((await merge(out("multi"), "two.yml", "-o", "again", "--quiet")).code, 0);
  assert.deepEqual(await read(out("multi", "again", "model.safetensors")), result);
  // What is made already is not made again; another configuration of that name is not overwritten without being asked.
  await rm(out("multi", "result"), { recursive: true });
  const second = await run("--intermediate-dir", "steps");
  assert.deepEqual([second.code, second.stdout.includes("steps")], [0, false], second.stderr);
  const other = await merge(out("multi"), "multi.yml", "-o", "other", "--intermediate-dir", "steps", "--dtype", "float16");
  assert.deepEqual([other.code, /steps\/middle has .* already; --force overwrites/.test(other.stderr)], [1, true], other.stderr);
});

test("model+adapter: the adapter's product is added to the model first, and nothing of it stays", async () => {
  const folder = out("lora");
  await mkdir(folder, { recursive: true });
  await cp(`${fixtures}mergekit-config/models/base`, out("lora", "base"), { recursive: true });
  await writeAdapter(out("lora", "adapter"));
  await writeFile(
    out("lora", "config.yml"),
    "merge_method: linear\nmodels:\n  - model: base+adapter\n    parameters: { weight: 3 }\n  - model: base\n    parameters: { weight: 1 }\n",
  );
  const { code, stderr } = await merge(folder, "config.yml", "-o", "merged", "--quiet");
  assert.equal(code, 0, stderr);
  assert.ok((await readdir(out("lora", "merged"))).every((name) => !name.startsWith(".")));
  const [before, merged] = [
    await tensorsIn(out("lora", "base", "model.safetensors")),
    await tensorsIn(out("lora", "merged", "model.safetensors")),
  ];
  const name = "model.layers.1.self_attn.q_proj.weight";
  // B is all ones and A too, rank 1, alpha 2: every number grows by 2, and three quarters of that are in the mean.
  for (const [i, value] of merged.get(name)!.values.entries()) {
    const wanted = before.get(name)!.values[i]! + 1.5;
    assert.ok(Math.abs(value - wanted) < 1e-6, `${value} for ${wanted}`);
  }
  assert.deepEqual(merged.get("model.norm.weight"), before.get("model.norm.weight"));
  const alone = await merge(folder, "config.yml", "-o", "elsewhere", "--dry-run");
  assert.equal(alone.code, 0, alone.stderr);
  await writeFile(out("lora", "wrong.yml"), "merge_method: linear\nmodels: [{ model: adapter }]\n");
  const wrong = await merge(folder, "wrong.yml", "-o", "wrong");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /wrong\.yml: `adapter` at line 2 is an adapter: write model\+adapter/);
});

/** A PEFT adapter of rank 1 for one projection, all of whose numbers are 1. */
async function writeAdapter(path: string): Promise<void> {
  const { writeSafetensors } = await import("#libs/tensors");
  await mkdir(path, { recursive: true });
  const ones = (count: number) => new Uint8Array(new Float32Array(count).fill(1).buffer);
  const prefix = "base_model.model.model.layers.1.self_attn.q_proj";
  const file = writeSafetensors([
    { name: `${prefix}.lora_A.weight`, dtype: "F32", shape: [1, 8], data: ones(8) },
    { name: `${prefix}.lora_B.weight`, dtype: "F32", shape: [8, 1], data: ones(8) },
  ]);
  await writeFile(`${path}/adapter_model.safetensors`, file);
  const config = { peft_type: "LORA", r: 1, lora_alpha: 2, target_modules: ["q_proj"], base_model_name_or_path: "base" };
  await writeFile(`${path}/adapter_config.json`, JSON.stringify(config));
}

test("--exclude leaves tensors out of a merge too, also with patterns", async () => {
  const folder = `${fixtures}mergekit-config`;
  await writeFile(out("exclude.yml"), "merge_method: linear\nmodels:\n  - model: models/a\n  - model: models/b\n");
  const { code, stderr } = await merge(
    folder,
    out("exclude.yml"),
    "-o",
    out("excluded"),
    "--exclude",
    "*.self_attn.*",
    "--exclude",
    "model.norm.weight",
  );
  assert.equal(code, 0, stderr);
  const names = [...(await tensorsIn(out("excluded", "model.safetensors"))).keys()];
  assert.ok(names.length > 0 && names.every((name) => !name.includes("self_attn") && name !== "model.norm.weight"), names.join());
  const recipe = JSON.parse(await readFile(out("excluded", "recipe.json"), "utf8"));
  assert.ok(recipe.parameters.exclude.includes("model.norm.weight"));
});

test("what cannot be done is said in one sentence, and nothing is written", async () => {
  const folder = `${fixtures}mergekit-config`;
  const config = (text: string) => writeFile(out("bad.yml"), text);
  const fails = async (expected: RegExp, ...args: string[]) => {
    const { code, stdout, stderr } = await merge(folder, ...args);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, expected);
  };
  await fails(/^ratatouille: cannot read the configuration nothing\.yml: it does not exist\n$/, "nothing.yml", "-o", out("bad"));
  await config("merge_method: linear\nmodels:\n  - model: mistralai/Mistral-7B-v0.1\n");
  await fails(
    /^ratatouille: .*bad\.yml: there is no model `mistralai\/Mistral-7B-v0\.1`, which line 3 names: \S+ is not there; nothing is downloaded here, so give the folder of the model, or with --models-dir the folder that has it\n$/,
    out("bad.yml"),
    "-o",
    out("bad"),
  );
  await config("merge_method: ties\nmodels:\n  - model: models/a\n    parameters: { densty: 0.5 }\ndtpye: float32\n");
  await fails(/bad\.yml has 2 mistakes:\n {2}`densty` at line 4 .*\n {2}`dtpye` at line 5 /, out("bad.yml"), "-o", out("bad"));
  await config("merge_method: linear\nmodels:\n  - model: models/a\n    parameters: { weight: 1 }\n");
  await fails(/^ratatouille: say what to write: -o FILE\.safetensors, or -o FOLDER\n$/, out("bad.yml"));
  await config("merge_method: ties\nbase_model: models/base\nmodels:\n  - model: models/a\n    parameters: { density: 2 }\n");
  await fails(/density is 2; it has to be a number from 0 to 1/, out("bad.yml"), "-o", out("bad"));
  await assert.rejects(readdir(out("bad")));
});

test("models are found below --models-dir; notes say what has no effect; what is there stays unless --force", async () => {
  await cp(`${fixtures}mergekit-config/models`, out("hub", "org"), { recursive: true });
  await writeFile(out("hub.yml"), "merge_method: linear\nmodels:\n  - model: org/a\n  - model: org/b\nparameters: { int8_mask: true }\n");
  const args = [out("hub.yml"), "-o", "made", "--models-dir", out("hub")];
  const first = await merge(directory.path, ...args);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /^note: `int8_mask` at line 5 has no effect: masks take no memory here$/m);
  const again = await merge(directory.path, ...args);
  assert.deepEqual([again.code, again.stdout.includes("there already, as this command has made it before")], [0, true], again.stderr);
  const another = await merge(directory.path, ...args, "--dtype", "float16");
  assert.deepEqual([another.code, /already; --force overwrites/.test(another.stderr)], [1, true], another.stderr);
  const forced = await merge(directory.path, ...args, "--force", "--dtype", "bfloat16");
  assert.equal(forced.code, 0, forced.stderr);
  assert.equal((await tensorsIn(out("made", "model.safetensors"))).get("model.norm.weight")!.dtype, "BF16");
  await rm(out("made"), { recursive: true });
});
