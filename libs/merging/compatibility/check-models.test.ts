import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openModel } from "#libs/models";
import type { Json } from "#libs/recipes";
import { temporaryDirectory } from "#libs/testing";
import { type CompatibilityReport, checkModels, type FindingCode } from "./index.ts";
import { modelBytes, type Tensors, writeFolder } from "./testing/write-model.ts";

const signal = new AbortController().signal;
const random = (count: number, seed: number, scale = 1) =>
  Array.from({ length: count }, (_, i) => (scale * ((((i + 1) * 7919 * (seed * 2 + 1)) % 2003) - 1001)) / 1001);
const network = (seed = 0, scale = 0.01): Tensors => ({
  "layers.0.weight": { shape: [8, 50], values: random(400, 1).map((x, i) => x + random(400, seed, scale)[i]!) },
  "layers.1.weight": { shape: [5, 8], values: random(40, 2).map((x, i) => x + random(40, seed + 1, scale)[i]!) },
  "head.weight": { shape: [2, 8], values: random(16, 3).map((x, i) => x + random(16, seed + 2, scale)[i]!) },
});
const found = ({ findings }: CompatibilityReport) => findings.map(({ severity, code }) => `${severity} ${code}`);
const sentence = ({ findings }: CompatibilityReport, code: FindingCode) => findings.find((finding) => finding.code === code)?.sentence;

/** Folders with the same weights and these files beside them. */
async function folders(directory: string, ...files: readonly { readonly [name: string]: Json }[]) {
  return Promise.all(files.map(async (each, i) => openModel(await writeFolder(join(directory, `m${i}`), network(), each), `m${i}`)));
}

const card = (text: string) => `---\n${text}\n---\n# A model\n`;

test("models of one network, one foundation and known licences are compatible", async () => {
  await using directory = await temporaryDirectory();
  const config = { architectures: ["BertModel"], hidden_size: 8, id2label: { 0: "cat", 1: "dog" } };
  const models = await folders(
    directory.path,
    { "config.json": config, "README.md": card("license: mit\nbase_model: org/base") },
    { "config.json": config, "README.md": card("license: apache-2.0\nbase_model: org/Base") },
  );
  const report = await checkModels(models, { signal });
  assert.deepEqual(found(report), []);
  assert.equal(report.verdict, "compatible");
  assert.equal(report.licence, "Apache-2.0 AND MIT");
  assert.deepEqual(report.models[0], {
    name: "m0",
    tensors: 3,
    numbers: 456,
    dtypes: ["F32"],
    architecture: "BertModel",
    foundation: "org/base",
    licences: ["MIT"],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report, "plain JSON");
});

test("every tensor in the way is listed", async () => {
  await using directory = await temporaryDirectory();
  const { "head.weight": head, ...body } = network();
  const a = join(directory.path, "a.safetensors");
  const b = join(directory.path, "b.safetensors");
  await writeFile(a, modelBytes({ ...body, "head.weight": head!, x: { shape: [2], values: [1, 2] } }));
  await writeFile(b, modelBytes({ ...body, "head.weight": { shape: [3, 8], values: random(24, 1) } }));
  const models = [await openModel(a, "a"), await openModel(b, "b")];
  const report = await checkModels(models, { signal, full: true });
  assert.equal(report.verdict, "incompatible");
  assert.deepEqual(
    report.findings.filter(({ severity }) => severity === "error").map(({ sentence, tensors }) => [sentence, ...tensors]),
    [
      ["One tensor is not in all models.", "x: F32 [2] in a; missing in b"],
      ["One tensor has different shapes.", "head.weight: F32 [2, 8] in a; F32 [3, 8] in b"],
    ],
  );
  const without = await checkModels(models, { signal, exclude: new Set(["x", "head.weight"]) });
  assert.equal(without.verdict, "compatible");
  const unknown = await checkModels(models, { signal, exclude: new Set(["x", "head.weight", "layers.7"]) });
  assert.deepEqual(unknown.findings[0]?.tensors, ["layers.7"]);
  const nothing = await checkModels(models, { signal, exclude: new Set(["x", ...Object.keys(network())]) });
  assert.ok(found(nothing).includes("error empty"));
});

test("models of different foundations are refused unless that is asked for", async () => {
  await using directory = await temporaryDirectory();
  const models = await folders(
    directory.path,
    { "README.md": card("license: mit\nbase_model: org/one") },
    { "README.md": card("license: mit\nbase_model: org/other") },
    { "README.md": card("license: mit") },
  );
  const report = await checkModels(models, { signal });
  assert.deepEqual(found(report), ["error foundation", "note lineage"]);
  assert.match(sentence(report, "foundation")!, /org\/one in m0; org\/other in m1/);
  assert.match(sentence(report, "lineage")!, /m2 comes from/);
  const allowed = await checkModels(models, { signal, allowUnrelated: true });
  assert.equal(allowed.verdict, "suspicious");
});

test("a model that the others name is their foundation, also where it has one itself", async () => {
  await using directory = await temporaryDirectory();
  const files = (base: string) => ({ "README.md": card(`license: mit\nbase_model: ${base}`) });
  const start = await openModel(await writeFolder(join(directory.path, "org/start"), network(), files("org/earlier")), "start");
  const [tuned] = await folders(directory.path, files("Org/Start"));
  assert.deepEqual(found(await checkModels([tuned!, start], { signal })), []);
  assert.deepEqual(found(await checkModels([tuned!, tuned!], { signal, base: start })), []);
  const elsewhere = await openModel(await writeFolder(join(directory.path, "copy"), network(), files("org/earlier")), "copy");
  assert.deepEqual(found(await checkModels([tuned!, tuned!], { signal, base: elsewhere })), []);
  assert.deepEqual(found(await checkModels([tuned!, elsewhere], { signal })), ["error foundation"]);
});

const CONFIGS: [string, Json, Json, string][] = [
  ["another class", { architectures: ["A"] }, { architectures: ["B"] }, "error architecture"],
  ["other heads in equal shapes", { num_attention_heads: 12 }, { num_attention_heads: 16 }, "error architecture"],
  ["a nested size", { text_config: { hidden_size: 8 } }, { text_config: { hidden_size: 16 } }, "error architecture"],
  ["another activation", { hidden_act: "gelu" }, { hidden_act: "silu" }, "warning settings"],
  ["other labels", { id2label: { 0: "cat", 1: "dog" } }, { id2label: { 0: "dog", 1: "cat" } }, "error labels"],
];
for (const [name, a, b, expected] of CONFIGS) {
  test(`config.json tells of ${name}`, async () => {
    await using directory = await temporaryDirectory();
    const mit = { "README.md": card("license: mit\nbase_model: org/base") };
    const models = await folders(directory.path, { "config.json": a, ...mit }, { "config.json": b, ...mit });
    assert.deepEqual(found(await checkModels(models, { signal })), [expected]);
  });
}

test("other labels do not matter where the heads are left out, and placeholders are none", async () => {
  await using directory = await temporaryDirectory();
  const label = (id2label: Json) => ({ "config.json": { id2label }, "README.md": card("license: mit\nbase_model: o/b") });
  const models = await folders(directory.path, label({ 0: "cat", 1: "dog" }), label({ 0: "ant", 1: "bee" }));
  const report = await checkModels(models, { signal });
  assert.deepEqual(report.findings[0]?.tensors, ["head.weight"]);
  assert.match(report.findings[0].sentence, /0 is "cat" and "ant", 1 is "dog" and "bee"/);
  assert.equal((await checkModels(models, { signal, exclude: new Set(["head.weight"]) })).verdict, "compatible");
  const unnamed = await folders(join(directory.path, "x"), label({ 0: "LABEL_0", 1: "LABEL_1" }), label({ 0: "cat", 1: "dog" }));
  assert.deepEqual(found(await checkModels(unnamed, { signal })), []);
});

const TOKENIZERS: [string, Json, Json, string | undefined, RegExp][] = [
  ["the same", { model: { vocab: { a: 0 } } }, { model: { vocab: { a: 0 } } }, undefined, /./],
  [
    "other numbers",
    { model: { vocab: { a: 0, b: 1 } } },
    { model: { vocab: { a: 1, b: 0 } } },
    "error tokenizer",
    /2 tokens have other numbers/,
  ],
  ["another token", { model: { vocab: { a: 0 } } }, { model: { vocab: { b: 0 } } }, "error tokenizer", /1 numbers stand for other tokens/],
  [
    "more tokens",
    { model: { vocab: [["a", 0.5]] } },
    { model: { vocab: [["a", 0.1]] }, added_tokens: [{ content: "<x>", id: 1 }] },
    "warning tokenizer",
    /0 tokens are only in the first, 1 only in the second/,
  ],
  [
    "other rules",
    { model: { vocab: { a: 0 } } },
    { model: { vocab: { a: 0 } }, normalizer: null },
    "note tokenizer",
    /not in their tokens/,
  ],
  ["no JSON", { model: { vocab: { a: 0 } } }, "{", "warning tokenizer", /could not be compared/],
];
for (const [name, a, b, expected, pattern] of TOKENIZERS) {
  test(`tokenizers are compared: ${name}`, async () => {
    await using directory = await temporaryDirectory();
    const mit = { "README.md": card("license: mit\nbase_model: org/base") };
    const models = await folders(directory.path, { "tokenizer.json": a, ...mit }, { "tokenizer.json": b, ...mit });
    const report = await checkModels(models, { signal });
    assert.deepEqual(found(report), expected === undefined ? [] : [expected]);
    assert.match(sentence(report, "tokenizer") ?? "none", pattern);
  });
}

test("a licence that forbids what is made of it is told of, and keeps nobody from averaging", async () => {
  await using directory = await temporaryDirectory();
  const base = "base_model: org/base";
  const models = await folders(
    directory.path,
    { "README.md": card(`license: cc-by-nd-4.0\n${base}`) },
    { "README.md": card(`license: mit\n${base}`) },
  );
  const report = await checkModels(models, { signal });
  assert.equal(report.verdict, "compatible");
  assert.match(sentence(report, "licence")!, /CC-BY-ND-4.0 forbids/);
  assert.equal(report.licence, undefined);
});

test("a full check says where numbers are not finite, and goes on with the others", async () => {
  await using directory = await temporaryDirectory();
  const broken = network(2);
  (broken["layers.0.weight"]!.values as number[])[103] = Number.NaN;
  (broken["layers.0.weight"]!.values as number[])[399] = Number.NEGATIVE_INFINITY;
  const models = await Promise.all(
    [network(1), broken, network(3)].map(async (tensors, i) =>
      openModel(await writeFolder(join(directory.path, `${i}`), tensors), `m${i}`),
    ),
  );
  const report = await checkModels(models, { signal, full: true });
  assert.equal(report.verdict, "incompatible");
  assert.equal(sentence(report, "not-finite"), "m1 has 2 numbers that are NaN or infinite.");
  assert.deepEqual(report.findings[0]?.tensors, ["layers.0.weight: 2 of 400, the first at [2, 3]"]);
  assert.ok(report.weights!.models.every(({ norm }) => Number.isFinite(norm) && norm > 1));
});

test("weights that look wrong are told of: an outlier, a twin, a copy of the base, an opposite, a stranger", async () => {
  await using directory = await temporaryDirectory();
  const at = async (name: string, tensors: Tensors) => openModel(await writeFolder(join(directory.path, name), tensors), name);
  const scaled = (tensors: Tensors, factor: number): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, values }]) => [name, { shape, values: values.map((x) => x * factor) }]),
    );
  const opposite = Object.fromEntries(
    Object.entries(network(1)).map(([name, { shape, values }]) => {
      const start = network(0, 0)[name]!.values;
      return [name, { shape, values: values.map((x, i) => 2 * start[i]! - x) }];
    }),
  );
  const stranger = {
    ...network(9, 1),
    ...Object.fromEntries(Object.entries(network()).map(([name, t]) => [name, { ...t, values: random(t.values.length, 77) }])),
  };
  const base = await at("base", network(0, 0));
  const models = [
    await at("a", network(1)),
    await at("twin", network(1)),
    await at("b", network(2)),
    await at("c", network(3)),
    await at("large", scaled(network(4), 30)),
    await at("still", network(0, 0)),
    await at("opposite", opposite),
    await at("stranger", stranger),
  ];
  const report = await checkModels(models, { signal, full: true, base });
  assert.equal(report.verdict, "suspicious");
  const about = (code: FindingCode) => report.findings.filter((each) => each.code === code).map(({ models }) => models.join("+"));
  assert.deepEqual(about("equal"), ["still", "a+twin"]);
  assert.ok(about("norm").includes("large"), String(about("norm")));
  assert.ok(!about("norm").some((name) => ["a", "b", "c"].includes(name)), String(about("norm")));
  assert.deepEqual(
    about("cosine")
      .filter((pair) => !/stranger|large/.test(pair))
      .sort(),
    ["a+opposite", "twin+opposite"],
  );
  assert.ok(about("unrelated").includes("a+stranger"));
  const { weights } = report;
  assert.ok(Math.abs(weights!.cosines![0]![6]! + 1) < 1e-4, "opposite");
  assert.deepEqual(
    weights!.layers.map(({ layer, numbers }) => [layer, numbers]),
    [
      ["head", 16],
      ["layers.0", 400],
      ["layers.1", 40],
    ],
  );
  const quiet = await checkModels(models.slice(0, 1).concat(models.slice(2, 4)), { signal, full: true, base });
  assert.deepEqual(
    quiet.findings.filter(({ severity }) => severity !== "note").map(({ code }) => code),
    ["licence"],
  );
});

test("threads do not change the report", async () => {
  await using directory = await temporaryDirectory();
  const large = (seed: number): Tensors => ({
    w: { shape: [3, 700_001], values: random(2_100_003, seed) },
    b: { shape: [7], values: random(7, seed) },
  });
  const paths = [1, 2].map((seed) => join(directory.path, `${seed}.safetensors`));
  await Promise.all(paths.map((path, i) => writeFile(path, modelBytes(large(i), i === 0 ? "F32" : "BF16"))));
  const models = await Promise.all(paths.map((path) => openModel(path)));
  const seen: number[] = [];
  const onProgress = ({ readBytes, totalBytes }: { readBytes: number; totalBytes: number }) => seen.push(readBytes / totalBytes);
  const inline = await checkModels(models, { signal, full: true, mixedTypes: true, threads: 0 });
  const threaded = await checkModels(models, { signal, full: true, mixedTypes: true, threads: 3, onProgress });
  assert.deepEqual(threaded, inline);
  assert.equal(inline.weights!.readBytes, 2_100_010 * 6);
  assert.ok(Math.abs(seen.at(-1)! - 1) < 1e-12 && seen.length >= 3);
  await assert.rejects(checkModels(models, { signal: AbortSignal.abort(new Error("stop")), full: true }), /stop/);
});

test("many models, and files that change while they are read", async () => {
  await using directory = await temporaryDirectory();
  const paths = Array.from({ length: 40 }, (_, i) => directory.join(`${i}.safetensors`));
  await Promise.all(paths.map((path, i) => writeFile(path, modelBytes(network(i, i === 7 ? 3 : 0.01)))));
  const models = await Promise.all(paths.map((path, i) => openModel(path, `m${i}`)));
  const { weights, findings } = await checkModels(models, { signal, full: true });
  assert.equal(weights!.cosines, undefined);
  assert.deepEqual(
    findings
      .filter(({ code }) => code === "norm")
      .flatMap((finding) => finding.models)
      .includes("m7"),
    true,
  );
  assert.ok(findings.some(({ sentence }) => sentence.startsWith("More than 32 models")));
  await writeFile(paths[3]!, modelBytes(network(99)));
  await assert.rejects(checkModels(models, { signal, full: true }), /3\.safetensors was changed while it was read/);
});
