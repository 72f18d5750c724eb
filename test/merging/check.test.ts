import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { runCli } from "../e2e/cli.ts";
import { runHere } from "../e2e/here.ts";
import { numbersOf, publishModels, weightsFile } from "./models.ts";

const adapters = join(import.meta.dirname, "../fixtures/adapters");

const check = (directory: string, ...args: string[]) => runHere(["check", ...args], { cwd: directory });

async function writeModels(directory: string): Promise<void> {
  const tensor = (seed: number, shape: number[]) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 1 + i + ((i * seed) % 7) / 100),
  });
  const body = (seed: number) => ["blocks.0.weight", "blocks.1.weight"].map((name) => [name, tensor(seed, [4, 8])] as const);
  for (const [name, seed, labels] of [
    ["a", 3, 2],
    ["b", 5, 2],
    ["c", 2, 3],
  ] as const) {
    await writeFile(
      join(directory, `${name}.safetensors`),
      saveFloat32(new Map([...body(seed), ["head.weight", tensor(seed, [labels, 8])]])),
    );
  }
}

test("models that fit: exit code 0, and what is known of them", async () => {
  await using directory = await temporaryDirectory();
  await writeModels(directory.path);
  const { code, stdout, stderr } = await runCli(["check", "a.safetensors", "b.safetensors", "--full"], { cwd: directory.path });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^1 {2}a\.safetensors {2}80 numbers in 3 tensors, F32, no licence named$/m);
  assert.match(stdout, /^compatible: these models may be averaged\.$/m);
  assert.match(stdout, /^ {2}warning No licence is known for the result: a\.safetensors, b\.safetensors name no licence\.$/m);
  assert.match(stdout, /^weights, 640 B read; distances are to the mean$/m);
  assert.match(stdout, /^ {2}blocks\.1 +32 +\S+ % +\S+ %$/m);
  assert.ok(!stdout.includes("\u001b"));
});

test("models that do not: exit code 1, and every tensor concerned", async () => {
  await using directory = await temporaryDirectory();
  await writeModels(directory.path);
  const { code, stdout } = await check(directory.path, "a.safetensors", "b.safetensors", "c.safetensors");
  assert.equal(code, 1);
  assert.match(stdout, /^incompatible: /m);
  assert.match(stdout, /^ {12}head\.weight: F32 \[2, 8\] in a\.safetensors, b\.safetensors; F32 \[3, 8\] in c\.safetensors$/m);
  const without = await check(directory.path, "a.safetensors", "b.safetensors", "c.safetensors", "--exclude", "head.weight");
  assert.equal(without.code, 0);
});

test("--json is one line for programs", async () => {
  await using directory = await temporaryDirectory();
  await writeModels(directory.path);
  const { code, stdout } = await check(directory.path, "a.safetensors", "c.safetensors", "--json");
  assert.equal(code, 1);
  const report = JSON.parse(stdout);
  assert.equal(report.verdict, "incompatible");
  assert.equal(report.findings[0].code, "shape");
});

test("adapters of different ranks fit their base, and each other", async () => {
  await using directory = await temporaryDirectory();
  const [a, b] = [join(adapters, "a"), join(adapters, "b")];
  assert.equal((await check(directory.path, a, b)).code, 0);
  assert.equal((await check(directory.path, a, b, "--base", join(adapters, "base.safetensors"))).code, 0);
  const mixed = await check(directory.path, a, join(adapters, "base+a.safetensors"));
  assert.equal(mixed.code, 1);
  assert.match(mixed.stdout, /is an adapter, and the others are not: give its base with --base\.$/m);
});

test("what is no model is wrong usage or an error of one sentence", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, "x.safetensors"), "no");
  const broken = await check(directory.path, "x.safetensors");
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /^ratatouille: x\.safetensors.*file-too-short/);
  const missing = await check(directory.path, "y.safetensors");
  assert.equal(missing.code, 2);
  assert.equal((await check(directory.path)).code, 2);
});

test("models of a catalog are checked where they are: nothing of their weights is fetched", async () => {
  await using directory = await temporaryDirectory();
  const env = { XDG_CACHE_HOME: directory.join("cache") };
  const { "head.weight": _, ...headless } = numbersOf(3);
  await publishModels(directory.join("data"), {
    "set/one": weightsFile(numbersOf(1)),
    "set/two": weightsFile(numbersOf(2)),
    "set/headless": weightsFile(headless),
  });
  const at = (...args: string[]) => runHere(["check", ...args, "--data", "data"], { cwd: directory.path, env });
  const two = await at("set/one", "set/two", "--full", "--json");
  assert.equal(two.code, 0, two.stderr);
  const report = JSON.parse(two.stdout);
  assert.deepEqual([report.verdict, report.licence, report.findings], ["compatible", "Apache-2.0", []]);
  assert.deepEqual(
    report.models.map(({ name, tensors, dtypes }: { name: string; tensors: number; dtypes: string[] }) => [name, tensors, dtypes]),
    [
      ["set/one", 3, ["F32"]],
      ["set/two", 3, ["F32"]],
    ],
  );
  assert.equal(report.weights.readBytes, 2 * 4 * 64);
  const other = await at("set/one", "set/headless");
  assert.equal(other.code, 1);
  assert.match(other.stdout, /^ {12}head\.weight: F32 \[3, 8\] in set\/one; missing in set\/headless$/m);
  assert.deepEqual(await readdir(directory.join("cache", "ratatouille", "weights")).catch(() => []), []);
  // Together with a file, models of the catalog are fetched.
  await writeFile(directory.join("file.safetensors"), weightsFile(numbersOf(4)));
  const mixed = await at("set/one", "file.safetensors");
  assert.equal(mixed.code, 0, mixed.stderr);
  const unknown = await at("set/one", "set/none");
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /set\/none is neither a file or a folder here, nor a model in the catalog in data/);
});

test("of very many tensors ten lines are shown, and --json has all; patterns leave them out", async () => {
  await using directory = await temporaryDirectory();
  const tensors = (names: readonly string[]) => saveFloat32(new Map(names.map((name) => [name, { shape: [1], data: Float32Array.of(1) }])));
  const many = Array.from({ length: 40 }, (_, i) => `layers.${i}.extra_bias`);
  await writeFile(join(directory.path, "a.safetensors"), tensors(["w", ...many]));
  await writeFile(join(directory.path, "b.safetensors"), tensors(["w"]));
  const [checked, json, averaged, without] = await Promise.all([
    check(directory.path, "a.safetensors", "b.safetensors"),
    check(directory.path, "a.safetensors", "b.safetensors", "--json"),
    runHere(["average", "a.safetensors", "b.safetensors", "-o", "out.safetensors"], { cwd: directory.path }),
    check(directory.path, "a.safetensors", "b.safetensors", "--exclude", "*.extra_bias"),
  ]);
  assert.equal(checked.stdout.split("\n").filter((line) => line.includes("extra_bias")).length <= 10, true, checked.stdout);
  assert.match(checked.stdout, /^ {12}… and 3\d more \(`--json` has all\)$/m);
  assert.equal(JSON.parse(json.stdout).findings[0].tensors.length, 40);
  assert.deepEqual([averaged.code, averaged.stderr.trimEnd().split("\n").length <= 13], [1, true], averaged.stderr);
  assert.match(averaged.stderr, /^ {4}… and 3\d more \(`ratatouille check --json` has all\)$/m);
  assert.equal(without.code, 0, without.stderr);
});
