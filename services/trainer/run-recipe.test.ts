import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeDataset } from "#libs/datasets";
import { NonFiniteLossError } from "#libs/learning";
import { arithmetics, type Digest, digestOf, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { loadFloat32, parseSafetensorsHeader } from "#libs/tensors";
import type { Input } from "./input.ts";
import { artifactOf, type Product } from "./product.ts";
import { runRecipe } from "./run-recipe.ts";
import { workInMemory } from "./work.ts";

const source = digestOf("digits");
const training = {
  architecture: "mlp",
  hidden: [16, 8],
  classes: 6,
  steps: 30,
  batch: 8,
  learningRate: 1e-2,
  weightDecay: 0,
  dropout: 0,
  train: "all",
  keep: "last",
  validationFraction: 0.2,
  validateEvery: 10,
};
const glyphs: Recipe = {
  kind: "dataset",
  inputs: {},
  seed: 5,
  parameters: { generator: "glyphs/1", classes: 6, images: 60, styles: ["plain", "noise"], rotation: 0.2, alphabetSeed: 9 },
};
const trained = (kind: Recipe["kind"], inputs: Recipe["inputs"], parameters: object): Recipe => {
  return { kind, inputs, seed: 7, arithmetic: arithmetics.wasm, parameters: { ...training, ...parameters } };
};

/** Artifacts in memory, by digest. */
function createStore() {
  const artifacts = new Map<Digest, Input>();
  const files = ["images-idx3-ubyte", "labels-idx1-ubyte"].map((name) => {
    return [name, readFileSync(new URL(`../../data/digits/${name}`, import.meta.url))] as const;
  });
  artifacts.set(source, { kind: "source", licences: ["CC-BY-4.0"], files: new Map(files) });
  const load = async (digest: Digest): Promise<Input> => {
    const found = artifacts.get(digest);
    if (!found) throw new Error(`No artifact ${digest}`);
    return found;
  };
  const keep = (product: Product): Digest => {
    const { blobs, built } = artifactOf(product);
    const manifest = readManifest(built.manifest);
    const { licences } = manifest;
    const bytes = (type: string) => blobs.find(({ descriptor }) => descriptor.digest === layerOf(manifest, type).digest)!.bytes;
    if (manifest.kind === "dataset")
      artifacts.set(built.digest, { kind: "dataset", licences, dataset: decodeDataset(bytes(mediaTypes.datasetLayer)) });
    else artifacts.set(built.digest, { kind: "model", licences, weights: loadFloat32(bytes(mediaTypes.weights)) });
    return built.digest;
  };
  const work = workInMemory(load);
  return { load, work, keep, make: async (recipe: Recipe) => keep(await runRecipe(recipe, work)) };
}

/** The chain of a small study: drawn symbols, a foundation, digits, a probe, a fine-tuning. */
async function study() {
  const store = createStore();
  const drawn = await store.make(glyphs);
  const foundation = await store.make(trained("pretrain", { datasets: [drawn] }, { initSeed: 3 }));
  const digits = await Promise.all(
    [0, 1].map((domain) => {
      const parameters = { generator: "rotated-digits/1", domain, domains: 8, degrees: 25 * domain };
      return store.make({ kind: "dataset", inputs: { source }, seed: 10, parameters });
    }),
  );
  const headInit = { kind: "zeros", scale: 1, seed: 0 };
  const probe = await store.make(trained("probe", { featurizer: foundation, datasets: digits }, { classes: 10, train: "head", headInit }));
  const tuned = trained(
    "fine-tune",
    { featurizer: foundation, head: probe, datasets: digits },
    { classes: 10, keep: "best", dropout: 0.1 },
  );
  return { store, digits, foundation, probe, tuned };
}

test("a chain of recipes gives models with PyTorch's names, a curve, and the licences of what went in", async () => {
  const { store, tuned, foundation } = await study();
  const steps: number[] = [];
  const product = artifactOf(await runRecipe(tuned, store.work, { onStep: ({ step }) => steps.push(step) }));
  assert.deepEqual(
    steps,
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  const manifest = readManifest(product.built.manifest);
  assert.deepEqual(manifest.recipe, tuned);
  assert.deepEqual(manifest.licences, ["CC-BY-4.0"]);
  assert.equal(manifest.summary["steps"], 30);
  const [weights, curve] = product.blobs.map(({ bytes }) => bytes);
  const { tensors, metadata } = parseSafetensorsHeader(weights!, weights!.length);
  assert.equal(metadata.get("format"), "pt");
  assert.deepEqual([...tensors.keys()].sort(), ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight", "head.bias", "head.weight"]);
  assert.deepEqual(tensors.get("head.weight")?.shape, [10, 8]);
  const { loss, validation } = JSON.parse(new TextDecoder().decode(curve));
  assert.deepEqual(
    loss.map(({ step }: { step: number }) => step),
    [25, 30],
  );
  assert.deepEqual(
    validation.map(({ step }: { step: number }) => step),
    [10, 20, 30],
  );
  const made = await store.load(foundation);
  assert.deepEqual(made.licences, []);
});

test("the manifest names nothing but the recipe and the bytes", async () => {
  const { store, tuned } = await study();
  const first = artifactOf(await runRecipe(tuned, store.work));
  const second = artifactOf(await runRecipe(tuned, store.work));
  assert.deepEqual(second.built.manifest, first.built.manifest);
  const text = new TextDecoder().decode(first.built.manifest);
  for (const word of [process.version, String(process.pid), "bun", "node", "deno", "hostname", "time", "attempt", "job"]) {
    assert.ok(!text.includes(word), `the manifest says ${word}`);
  }
});

test("a whole chain has fixed bytes on every runtime", async () => {
  const { store, tuned } = await study();
  const [weights] = artifactOf(await runRecipe(tuned, store.work)).blobs;
  assert.equal(weights?.descriptor.digest, "sha256:654fe484ab34c42bf660108184f42c15303fd4a4fe3f07a05e0d97d71ce78b22");
});

test("a probe and the fine-tuning after it keep the right tensors", async () => {
  const { store, probe, foundation, tuned } = await study();
  const weightsOf = async (digest: Digest) => {
    const input = await store.load(digest);
    assert.ok(input.kind === "model");
    return input.weights;
  };
  const [frozen, start] = [await weightsOf(probe), await weightsOf(foundation)];
  for (const name of ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]) assert.deepEqual(frozen.get(name), start.get(name));
  const moved = await weightsOf(await store.make(tuned));
  assert.notDeepEqual(moved.get("fc1.weight"), start.get("fc1.weight"));
});

const wrong: { title: string; change: (made: Awaited<ReturnType<typeof study>>) => Recipe; message: RegExp }[] = [
  {
    title: "an arithmetic of another version",
    change: ({ tuned }) => ({ ...tuned, arithmetic: "abacus/1" }),
    message: /arithmetic: this trainer cannot compute in abacus\/1/,
  },
  {
    title: "a model as data",
    change: ({ tuned, foundation }) => ({ ...tuned, inputs: { ...tuned.inputs, datasets: [foundation] } }),
    message: /inputs\.datasets: expected a dataset, got a model/,
  },
  {
    title: "a head for other classes",
    change: ({ tuned, foundation }) => ({ ...tuned, inputs: { ...tuned.inputs, head: foundation } }),
    message: /head\.weight: expected shape \[10,8\], got \[6,8\]/,
  },
  {
    title: "pre-training without a seed for the weights",
    change: ({ digits }) => trained("pretrain", { datasets: digits }, { classes: 10 }),
    message: /parameters\.initSeed/,
  },
  {
    title: "a probe without a start for the head",
    change: ({ digits, foundation }) => trained("probe", { datasets: digits, featurizer: foundation }, { classes: 10, train: "head" }),
    message: /parameters\.headInit/,
  },
  {
    title: "a recipe that is not for trainers",
    change: ({ foundation }) => ({ kind: "average", inputs: { models: [foundation] }, parameters: {}, arithmetic: arithmetics.averaging }),
    message: /kind: a trainer does not run recipes of kind average/,
  },
];
for (const { title, change, message } of wrong) {
  test(`runRecipe refuses ${title}`, async () => {
    const made = await study();
    await assert.rejects(runRecipe(change(made), made.store.work), message);
  });
}

test("drawing many images gives way to the event loop, so that a timer can stop it", async () => {
  const many = { ...glyphs, parameters: { ...glyphs.parameters, images: 100_000 } };
  await assert.rejects(runRecipe(many, createStore().work, { signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
});

test("a learning rate that is much too large ends as a non-finite loss", async () => {
  const { store, tuned } = await study();
  const hot = { ...tuned, parameters: { ...tuned.parameters, learningRate: 1e30 } };
  await assert.rejects(runRecipe(hot, store.work), NonFiniteLossError);
});
