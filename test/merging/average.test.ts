import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, stat, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { digestOf } from "#libs/recipes";
import { planSafetensors, saveFloat32 } from "#libs/tensors";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { runCli, startCli } from "../e2e/cli.ts";
import { runHere } from "../e2e/here.ts";
import { meanOf, numbersOf, publishModels, readNumbers, weightsFile, writeFolder } from "./models.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const env = { XDG_CACHE_HOME: directory.join("cache") };
const [a, b, c] = [numbersOf(1), numbersOf(2), numbersOf(3)];
const config = { model_type: "vit", architectures: ["ViTModel"], torch_dtype: "float32", _name_or_path: "/home/somebody/model" };
const card = "---\nlicense: apache-2.0\nbase_model: org/base\n---\n# A model\n";
let catalog: Map<string, string>;

/** The command, in the folder of this test. */
const average = (...args: string[]) => runHere(["average", ...args], { cwd: directory.path, env });
/** The same in a process of its own. */
const averageAlone = (...args: string[]) => runCli(["average", ...args], { cwd: directory.path, env });
const read = async (...parts: string[]) => new Uint8Array(await readFile(directory.join(...parts)));
const text = (...parts: string[]) => readFile(directory.join(...parts), "utf8");
const list = async (...parts: string[]) => (await readdir(directory.join(...parts))).sort();
const json = async (...parts: string[]) => JSON.parse(await text(...parts));

before(async () => {
  await writeFile(directory.join("a.safetensors"), weightsFile(a));
  await writeFile(directory.join("b.safetensors"), weightsFile(b));
  await writeFile(directory.join("c.safetensors"), weightsFile(c));
  await writeFolder(directory.join("hf"), b, config, card);
  await writeFolder(directory.join("cache-of-hub", "models--org--tuned", "snapshots", "1"), c, { ...config, dtype: "float32" }, card);
  catalog = await publishModels(directory.join("data"), { "set/one": weightsFile(a), "set/two": weightsFile(b) });
});

test("files into a file: the correctly rounded mean, its recipe beside it, and nothing else", async () => {
  const { code, stdout, stderr } = await averageAlone("a.safetensors", "b.safetensors", "-o", "out.safetensors");
  assert.equal(code, 0, stderr);
  const file = await read("out.safetensors");
  assert.deepEqual(readNumbers(file), meanOf([a, b]));
  assert.match(stdout, new RegExp(`^out\\.safetensors {2}${digestOf(file)}$`, "m"));
  assert.match(stdout, /^2 models, linear; \d+ B in /m);
  assert.match(stdout, /^licence: none known \(a\.safetensors, b\.safetensors name no licence\)$/m);
  const recipe = await json("out.recipe.json");
  assert.deepEqual(recipe.inputs.models, [digestOf(await read("a.safetensors")), digestOf(await read("b.safetensors"))]);
  assert.deepEqual([recipe.arithmetic, recipe.parameters], ["exact-mean/1", { method: "linear" }]);
  assert.deepEqual(
    (await list()).filter((name) => name.includes("out")),
    ["out.recipe.json", "out.safetensors"],
  );
});

test("models that nobody has read before are averaged while their digests are found: the same files, key and digests", async () => {
  const names = ["large-1.safetensors", "large-2.safetensors"];
  for (const [i, name] of names.entries()) {
    const data = Float32Array.from({ length: 3 << 20 }, (_, k) => ((k * 7919 + i * 104729) % 65521) / 65521);
    await writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [3 << 20], data }]])));
  }
  const run = (...args: string[]) =>
    runHere(["average", ...names, "--json", ...args], { cwd: directory.path, env: { XDG_CACHE_HOME: directory.join("empty") } });
  const later = await run("-o", "later.safetensors");
  assert.equal(later.code, 0, later.stderr);
  // --dry-run finds the digests first, and says the key with them.
  const first = JSON.parse((await run("-o", "later.safetensors", "--dry-run")).stdout);
  const said = JSON.parse(later.stdout);
  const digests = await Promise.all(names.map(async (name) => digestOf(await read(name))));
  assert.deepEqual(
    said.models.map(({ digest }: { digest: string }) => digest),
    digests,
  );
  assert.equal(said.key, first.key);
  const recipe = await json("later.recipe.json");
  assert.deepEqual(recipe.inputs.models, digests);
  // What is known by now is averaged as before.
  assert.equal((await run("-o", "known.safetensors")).code, 0);
  assert.deepEqual(await read("known.safetensors"), await read("later.safetensors"));
  assert.deepEqual(await json("known.recipe.json"), recipe);
  assert.deepEqual(
    (await list()).filter((name) => name.startsWith(".")),
    [],
  );
});

test("weights, excluded tensors and types", async () => {
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "weighted.safetensors", "--weights", "3,1")).code, 0);
  assert.deepEqual(readNumbers(await read("weighted.safetensors")), meanOf([a, b], [3, 1]));
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "less.safetensors", "--exclude", "head.weight")).code, 0);
  assert.deepEqual([...readNumbers(await read("less.safetensors")).keys()], ["encoder.bias", "encoder.weight"]);
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "half", "--dtype", "bf16")).code, 0);
  assert.equal((await read("half", "model.safetensors")).length < (await read("a.safetensors")).length, true);
});

test("a folder into a folder: a whole model as Hugging Face has it", async () => {
  const hub = "cache-of-hub/models--org--tuned/snapshots/1";
  const { code, stderr } = await average("hf", hub, "-o", "folder", "--max-shard-size", "70B", "--dtype", "bfloat16", "--json");
  assert.equal(code, 0, stderr);
  const shards = [1, 2].map((i) => `model-0000${i}-of-00002.safetensors`);
  assert.deepEqual(await list("folder"), [
    "README.md",
    "config.json",
    ...shards,
    "model.safetensors.index.json",
    "preprocessor_config.json",
    "recipe.json",
  ]);
  const index = await json("folder", "model.safetensors.index.json");
  assert.equal(index.metadata.total_size, 2 * (32 + 8 + 24));
  assert.deepEqual(Object.keys(index.weight_map), ["encoder.bias", "encoder.weight", "head.weight"]);
  assert.deepEqual(new Set(Object.values(index.weight_map)), new Set(shards));
  assert.deepEqual(await json("folder", "config.json"), { model_type: "vit", architectures: ["ViTModel"], torch_dtype: "bfloat16" });
  assert.equal(await text("folder", "preprocessor_config.json"), '{"size": 4}\n');
  const readme = await text("folder", "README.md");
  const [, front = ""] = readme.split("---\n");
  assert.equal(
    front,
    "license: apache-2.0\nbase_model:\n  - org/tuned\nbase_model_relation: merge\nlibrary_name: transformers\n" +
      "tags:\n  - merge\n  - weight-averaging\n  - ratatouille\n  - linear\n",
  );
  const recipe = await json("folder", "recipe.json");
  for (const digest of recipe.inputs.models) assert.ok(readme.includes(digest));
  assert.deepEqual([recipe.licences, recipe.foundation], [["Apache-2.0"], "org/base"]);
  assert.ok(!readme.includes(directory.path) && !JSON.stringify(recipe).includes(directory.path));
});

test("what was written can be averaged again, and names its licence", async () => {
  assert.equal((await average("hf", "hf", "-o", "first")).code, 0);
  const { code, stdout, stderr } = await average("first", "hf", "-o", "second", "--json");
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).licence, "Apache-2.0");
  assert.deepEqual(readNumbers(await read("second", "model.safetensors")), meanOf([b, b]));
});

test("models of the catalog by name and digest, mixed with files and folders", async () => {
  const digest = catalog.get("set/two")!;
  const { code, stdout, stderr } = await average("set/one", digest, "c.safetensors", "-o", "mixed.safetensors", "--data", "data", "--json");
  assert.equal(code, 0, stderr);
  assert.deepEqual(readNumbers(await read("mixed.safetensors")), meanOf([a, b, c]));
  const result = JSON.parse(stdout);
  assert.deepEqual(
    result.models.map(({ name }: { name: string }) => name),
    ["set/one", digest, "c.safetensors"],
  );
  const recipe = await json("mixed.recipe.json");
  assert.deepEqual(
    recipe.models.map(({ artifact }: { artifact?: string }) => artifact),
    [catalog.get("set/one"), digest, undefined],
  );
  // From the cache, where a file was spoiled.
  const [spoiled] = await list("cache", "ratatouille", "weights");
  await writeFile(directory.join("cache", "ratatouille", "weights", spoiled!), weightsFile(c));
  const again = await average("set/one", digest.slice(7, 17), "c.safetensors", "-o", "mixed2.safetensors", "--data", "data", "--json");
  assert.equal(JSON.parse(again.stdout).files[0].digest, result.files[0].digest);
});

test("--dry-run says what would be read and written, and writes nothing", async () => {
  const before = await list();
  const { code, stdout } = await average("a.safetensors", "b.safetensors", "-o", "dry.safetensors", "--dry-run");
  assert.equal(code, 0);
  assert.match(stdout, /^would write {2}dry\.safetensors$/m);
  assert.match(stdout, /^how {10}linear: 3 tensors$/m);
  assert.match(stdout, /^reads {8}512 B$/m);
  const { stdout: object } = await average("a.safetensors", "hf", "-o", "dry", "--dry-run", "--json");
  const plan = JSON.parse(object);
  assert.deepEqual([plan.dryRun, plan.readBytes, plan.files[0].path], [true, 512, "dry/model.safetensors"]);
  assert.deepEqual(await list(), before);
});

test("what is there is overwritten with --force only, and an input never", async () => {
  const args = ["a.safetensors", "b.safetensors", "-o", "there.safetensors"];
  assert.equal((await average(...args)).code, 0);
  const first = await read("there.safetensors");
  const other = await average("a.safetensors", "c.safetensors", "-o", "there.safetensors");
  assert.deepEqual(
    [other.code, other.stdout, other.stderr],
    [1, "", "ratatouille: there.recipe.json and there.safetensors exist already; --force overwrites\n"],
  );
  assert.deepEqual(await read("there.safetensors"), first);
  assert.equal((await average("a.safetensors", "c.safetensors", "-o", "there.safetensors", "--force")).code, 0);
  assert.deepEqual(readNumbers(await read("there.safetensors")), meanOf([a, c]));
  const input = await average("a.safetensors", "b.safetensors", "-o", "a.safetensors", "--force");
  assert.deepEqual([input.code, input.stderr], [2, "ratatouille: a.safetensors is one of the inputs; write to another place\n"]);
  await symlink("a.safetensors", directory.join("link.safetensors"));
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "link.safetensors", "--force")).code, 2);
});

test("what the same command has made is recognised, and nothing that is changed is taken for it", async () => {
  const said = (file: string) => new RegExp(`^${file}  sha256:[0-9a-f]{64}\\nthere already, as this command has made it before\\n`);
  const refused = async (...args: string[]) => {
    const { code, stderr } = await average(...args);
    assert.deepEqual([code, /already; --force overwrites\n$/.test(stderr)], [1, true], stderr);
  };
  const one = ["a.safetensors", "b.safetensors", "-o", "once.safetensors"];
  const folder = ["hf", "a.safetensors", "-o", "once"];
  for (const [args, file] of [
    [one, "once.safetensors"],
    [folder, "once/model.safetensors"],
  ] as const) {
    assert.equal((await average(...args)).code, 0);
    const { ino, mtimeNs } = await stat(directory.join(file), { bigint: true });
    const again = await average(...args);
    assert.deepEqual([again.code, again.stderr], [0, ""]);
    assert.match(again.stdout, said(file));
    assert.equal(JSON.parse((await average(...args, "--json")).stdout).existed, true);
    const after = await stat(directory.join(file), { bigint: true });
    assert.deepEqual([after.ino, after.mtimeNs], [ino, mtimeNs]);

    // The same length and the same recipe, and one bit that is another: not what was made.
    const bytes = await read(file);
    await writeFile(
      directory.join(file),
      Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    );
    await refused(...args);
    await writeFile(directory.join(file), bytes);
    assert.match((await average(...args)).stdout, said(file));
  }
  // Another recipe, a file beside the weights that was changed, and weights of which this user's cache knows nothing.
  await refused(...one, "--weights", "1,2");
  await writeFile(directory.join("once", "README.md"), "mine");
  await refused(...folder);
  const elsewhere = await runHere(["average", ...one], { cwd: directory.path, env: { XDG_CACHE_HOME: directory.join("other-cache") } });
  assert.equal(elsewhere.code, 1);
});

test("a folder keeps what is somebody's own, and loses what was another model's with --force only", async () => {
  await mkdir(directory.join("project"));
  await writeFile(directory.join("project", "README.md"), "mine");
  const refused = await average("hf", "a.safetensors", "-o", "project");
  assert.deepEqual([refused.code, refused.stderr], [1, "ratatouille: project has README.md already; --force overwrites\n"]);
  assert.deepEqual(await list("project"), ["README.md"]);
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "shards", "--max-shard-size", "100B")).code, 0);
  assert.equal((await list("shards")).length, 6);
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "shards", "--force")).code, 0);
  assert.deepEqual(await list("shards"), ["README.md", "model.safetensors", "recipe.json"]);
});

test("a kill at any time leaves what the same command makes whole", async () => {
  const args = ["hf", "a.safetensors", "-o", "killed"];
  assert.equal((await average(...args)).code, 0);
  const whole = await list("killed");
  const files = await Promise.all(whole.map((name) => read("killed", name)));
  const { key } = JSON.parse((await average(...args, "--dry-run", "--json")).stdout);
  const partial = (name: string) => directory.join("killed", `.${name}.${key.slice(0, 12)}.partial`);
  const beside = whole.filter((name) => name !== "model.safetensors");
  // Killed when the weights had their name and nothing else had, when some had, and when nothing had but was there.
  for (const renamed of [beside, beside.slice(2), whole]) {
    for (const name of renamed) await rename(directory.join("killed", name), partial(name));
    const { code, stderr } = await average(...args);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await list("killed"), whole);
    assert.deepEqual(await Promise.all(whole.map((name) => read("killed", name))), files);
  }
});

test("Ctrl-C ends with 130 and a sentence; the same command goes on, and makes the same bytes", async () => {
  // Files with holes: much to read, nothing on the disk. Their time is past, so that their digests are read once.
  const layout = [{ name: "w", dtype: "F32", shape: [6 << 20] }] as const;
  for (const [i, name] of ["x", "y", "z"].entries()) {
    const { header, size } = planSafetensors(layout, { name });
    await writeFile(directory.join(`${name}.safetensors`), header);
    await truncate(directory.join(`${name}.safetensors`), size);
    await utimes(directory.join(`${name}.safetensors`), 1e9 + i, 1e9 + i);
  }
  const args = ["x.safetensors", "y.safetensors", "z.safetensors", "--method", "ties", "--base", "x.safetensors"];
  const straight = await average(...args, "-o", "straight.safetensors", "--json");
  assert.equal(straight.code, 0, straight.stderr);
  const { files, key } = JSON.parse(straight.stdout);
  assert.deepEqual([files.length, key.length], [1, 64]);
  await using cli = startCli(["average", ...args, "-o", "stopped.safetensors"], { cwd: directory.path, env });
  const journal = async () => (await list()).some((name) => /^\.stopped\.safetensors\.\w+\.journal$/.test(name));
  await waitFor(journal, { intervalMs: 2, what: "the beginning of the merge" });
  cli.signal("SIGINT");
  const { code, stdout, stderr } = await cli.ended;
  assert.deepEqual([code, stdout], [130, ""]);
  assert.match(stderr, /^interrupted at \d+ %; the same command goes on from there\n$/);
  assert.ok(!(await list()).includes("stopped.safetensors"));
  const again = await average(...args, "-o", "stopped.safetensors", "--json");
  assert.equal(again.code, 0, again.stderr);
  const result = JSON.parse(again.stdout);
  assert.deepEqual([result.files[0].digest, result.resumed], [files[0].digest, true]);
  assert.deepEqual(
    (await list()).filter((name) => name.includes("stopped")),
    ["stopped.recipe.json", "stopped.safetensors"],
  );
});

test("members that come and go: the bytes of all at once", async () => {
  const all = await average("a.safetensors", "b.safetensors", "c.safetensors", "-o", "all.safetensors", "--json");
  const { digest } = JSON.parse(all.stdout).files[0];
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "grown.safetensors", "--updatable")).code, 0);
  const before = await read("grown.safetensors");
  const two = digestOf(before);
  const added = await average("--add", "c.safetensors", "--to", "grown.safetensors", "--json");
  assert.equal(added.code, 0, added.stderr);
  assert.equal(JSON.parse(added.stdout).files[0].digest, digest);
  assert.equal(digestOf(await read("grown.safetensors")), digest);
  assert.deepEqual(new Set((await json("grown.recipe.json")).inputs.models), new Set((await json("all.recipe.json")).inputs.models));
  // Killed after the sums and before the weights: the same command makes them.
  await writeFile(directory.join("grown.safetensors"), before);
  const finished = await average("--add", "c.safetensors", "--to", "grown.safetensors");
  assert.equal(finished.code, 0, finished.stderr);
  assert.equal(digestOf(await read("grown.safetensors")), digest);
  const twice = await average("--add", "c.safetensors", "--to", "grown.safetensors");
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /^ratatouille: c\.safetensors \(sha256:\w+\) is in the average already\n$/);
  assert.equal((await average("--remove", "c.safetensors", "--to", "grown.safetensors")).code, 0);
  assert.equal(digestOf(await read("grown.safetensors")), two);
  assert.deepEqual(
    (await list()).filter((name) => name.startsWith("grown") || name.startsWith(".")),
    ["grown.recipe.json", "grown.safetensors", "grown.safetensors.sums"],
  );
  await writeFile(directory.join("grown.safetensors"), weightsFile(a));
  const changed = await average("--add", "c.safetensors", "--to", "grown.safetensors");
  assert.deepEqual([changed.code, /somebody changed it; --force writes it anew/.test(changed.stderr)], [1, true]);
});

test("two that change one average at once: both count, or one says that it has to wait", async () => {
  const names = ["a", "b", "c", "d"].map((name) => `${name}.safetensors`);
  await writeFile(directory.join("d.safetensors"), weightsFile(numbersOf(4)));
  assert.equal((await average("a.safetensors", "b.safetensors", "-o", "both.safetensors", "--updatable")).code, 0);
  const add = (name: string) => averageAlone("--add", name, "--to", "both.safetensors");
  const results = await Promise.all([add("c.safetensors"), add("d.safetensors")]);
  const refused = results.flatMap(({ code }, i) => (code === 0 ? [] : [i]));
  assert.ok(refused.length < 2);
  for (const i of refused) {
    const said = /^ratatouille: another process is writing both\.safetensors: run this again when it has ended\n$/;
    assert.match(results[i]!.stderr, said);
    assert.equal((await add(names[2 + i]!)).code, 0);
  }
  const all = await average(...names, "-o", "four.safetensors", "--json");
  assert.equal(digestOf(await read("both.safetensors")), JSON.parse(all.stdout).files[0].digest);
});

test("numbers that are not finite, or become so, are errors, and nothing is published", async () => {
  const bias = { shape: [3], values: [1, 2, Number.NaN] };
  await writeFile(directory.join("nan.safetensors"), weightsFile({ bias }));
  await writeFile(directory.join("large.safetensors"), weightsFile({ bias: { shape: [3], values: [1, 2, 1e5] } }));
  const refused = await average("large.safetensors", "nan.safetensors", "-o", "finite.safetensors");
  assert.deepEqual(
    [refused.code, refused.stderr],
    [1, 'ratatouille: tensor "bias" is not finite at [2]: nan.safetensors has NaN there; --exclude bias leaves it out\n'],
  );
  await writeFile(
    directory.join("nan.yml"),
    "merge_method: linear\nmodels:\n  - model: large.safetensors\n  - model: nan.safetensors\nparameters: {weight: 1}\n",
  );
  const merged = await runHere(["merge", "nan.yml", "-o", "finite.safetensors"], { cwd: directory.path, env });
  assert.deepEqual([merged.code, merged.stderr], [refused.code, refused.stderr]);
  assert.deepEqual(
    (await list()).filter((name) => name.includes("finite")),
    [],
  );
  const { code, stderr } = await average("large.safetensors", "large.safetensors", "-o", "infinite.safetensors", "--dtype", "float16");
  assert.equal(code, 1);
  assert.match(stderr, /^ratatouille: tensor "bias" has no finite result at \[2\]: the result is too large for F16, whose largest number/);
  assert.deepEqual(
    (await list()).filter((name) => name.includes("finite")),
    [],
  );
});

test("what is wrong is said in one sentence, with the exit code of wrong usage or of failure", async () => {
  await writeFile(directory.join("text.safetensors"), "hello, this is no model");
  await writeFile(directory.join("other.safetensors"), weightsFile({ "head.weight": { shape: [2], values: [1, 2] } }));
  const ab = ["a.safetensors", "b.safetensors"];
  const cases: readonly (readonly [args: readonly string[], code: number, said: RegExp])[] = [
    [[], 2, /^name the models: ratatouille average /],
    [ab, 2, /^say what to write: -o FILE\.safetensors, or -o FOLDER$/],
    [["a.safetensors", "missing.safetensors", "-o", "x"], 2, /^cannot read missing\.safetensors: it does not exist$/],
    [["a.safetensors", "no/such", "-o", "x"], 2, /^cannot read no\/such: it does not exist$/],
    [
      ["a.safetensors", "no/such", "-o", "x", "--data", "data"],
      2,
      /^no\/such is neither a file or a folder here, nor a model in the catalog in data$/,
    ],
    [["a.safetensors", "text.safetensors", "-o", "x"], 1, /^text\.safetensors: it is a text that begins with "hello, this is no mo"/],
    [["a.safetensors", "other.safetensors", "-o", "x"], 1, /^these models cannot be averaged:$/],
    [[...ab, "-o", "x.bin"], 2, /^-o x\.bin: models are written as safetensors; name it x\.safetensors, or name a folder$/],
    [[...ab, "-o", "x", "--method", "tis"], 2, /^--method tis: there is no such method; did you mean ties\?/],
    [[...ab, "-o", "x", "--method", "task_arithmetic"], 2, /^task_arithmetic needs a base model$/],
    [[...ab, "-o", "x", "--weights", "1,2,3"], 2, /^--weights has 3 values, for 2 models$/],
    [[...ab, "-o", "x", "--weights", "1,b"], 2, /Expected numbers with commas, such as 2,1,1\./],
    [[...ab, "-o", "x", "--set", "depth=1"], 2, /^linear: there is no parameter depth; there is weight, normalize$/],
    [[...ab, "-o", "x", "--set", "depth"], 2, /Expected name=value, such as density=0\.5/],
    [[...ab, "-o", "x", "--dtype", "int8"], 2, /Expected float32, bfloat16, float16 or float64\./],
    [[...ab, "-o", "x", "--max-shard-size", "5 elephants"], 2, /Expected a size such as 5GB, 500MB or 2GiB\./],
    [[...ab, "-o", "c.safetensors/x"], 1, /^cannot write to c\.safetensors\/x: what should be its folder is a file$/],
    [[...ab, "-o", "x", "--threads", "0"], 2, /Expected a whole number from 1 to 256\./],
    [
      ["--add", "c.safetensors", "--to", "a.safetensors"],
      2,
      /^there are no sums beside a\.safetensors .* average its members again with --updatable/,
    ],
    [["--add", "c.safetensors"], 2, /^--add and --remove change an average: name it with --to FILE\.safetensors$/],
  ];
  const results = await Promise.all(cases.map(([args]) => average(...args)));
  for (const [i, [args, code, said]] of cases.entries()) {
    const { code: ended, stdout, stderr } = results[i]!;
    assert.deepEqual([ended, stdout], [code, ""], `${args.join(" ")}: ${stderr}`);
    assert.match(stderr.replace(/^(ratatouille|error): /, "").split("\n")[0]!, said);
  }
  const mismatch = results[6]!.stderr;
  assert.match(mismatch, /^ {4}encoder\.weight: F32 \[4, 8\] in a\.safetensors; missing in other\.safetensors$/m);
  assert.equal((await list()).includes("x"), false);
});
