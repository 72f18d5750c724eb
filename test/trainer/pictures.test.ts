import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { decodeIndex } from "#libs/image-sets";
import { annotations, buildSourceManifest, type Digest, layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { decodeSplit } from "#libs/splits";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { classes, domains, importPictures } from "./pictures.ts";
import { type System, startSystem, startTrainer } from "./system.ts";

const split = { scheme: "domainbed/1", fraction: 0.2, trial: 0 } as const;

/** The one layer of data of an artifact. */
async function dataOf({ artifacts }: System, digest: Digest, mediaType: string): Promise<Uint8Array> {
  const manifest = readManifest((await artifacts.get(digest)).manifest);
  assert.deepEqual(manifest.licences, ["CC0-1.0"]);
  return artifacts.download(layerOf(manifest, mediaType).digest);
}

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let system: System;
let trainer: ReturnType<typeof startTrainer>;
/** The trainer's own. */
let cache: string;
before(async () => {
  directory = stack.use(await temporaryDirectory());
  system = stack.use(await startSystem(directory.path));
  cache = directory.join("cache");
  trainer = stack.use(startTrainer(system.address, { RATATOUILLE_CACHE_DIR: cache }));
});

test("imported pictures are indexed, taken in part and split, by rows of their own index, with their files in the trainer's directory", async () => {
  const source = await importPictures(system.artifacts, 10);
  const dataset = await system.make({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  const index = decodeIndex(await dataOf(system, dataset, mediaTypes.datasetLayer));
  assert.deepEqual([index.count, index.domains, index.classes], [90, domains, classes]);
  assert.ok(index.shards.length > 1);
  assert.equal((await readdir(`${cache}/blobs`)).length, index.shards.length);
  assert.deepEqual(await readdir(cache).then((names) => names.sort()), ["blobs", "lock"]);

  const parameters = { generator: "subset/1", domains: ["light", "noisy"], classes: ["down", "across"] };
  const subset = await system.make({ kind: "dataset", inputs: { source: dataset }, parameters });
  const part = decodeIndex(await dataOf(system, subset, mediaTypes.datasetLayer));
  assert.deepEqual([part.count, part.domains, part.classes], [40, ["light", "noisy"], ["across", "down"]]);

  const made = await system.make({ kind: "split", inputs: { dataset: subset }, parameters: split });
  const parts = await decodeSplit(await dataOf(system, made, mediaTypes.splitLayer));
  assert.deepEqual(
    parts.map(({ domain, training, validation }) => [domain, training.length, validation.length]),
    [
      ["light", 16, 4],
      ["noisy", 16, 4],
    ],
  );
  const items = { scheme: "items/1", fraction: 0.2, trial: 0, test: 0.2 };
  const held = await system.make({ kind: "split", inputs: { dataset: subset }, parameters: items });
  // Each class of a domain has pictures called 0 to 9: 7 and 8 are held out, 0 and 5 are for validation.
  assert.deepEqual(
    (await decodeSplit(await dataOf(system, held, mediaTypes.splitLayer))).map(({ domain, training, validation, test: tested }) => [
      ...[domain, training.length, [...validation], [...tested!]],
    ]),
    [
      ["light", 12, [0, 5, 10, 15], [7, 8, 17, 18]],
      ["noisy", 12, [20, 25, 30, 35], [27, 28, 37, 38]],
    ],
  );
  const [light, noisy] = parts;
  const rows = (own = light) => [...own!.training, ...own!.validation].sort((a, b) => a - b);
  assert.deepEqual(rows(), [...Array(20).keys()]);
  assert.deepEqual(
    rows(noisy),
    [...Array(20).keys()].map((row) => 20 + row),
  );
});

test("digits are dealt out to domains and turned, as PNG files in shards that the data set carries", async () => {
  const { artifacts } = system;
  const header = (...shape: number[]) => [0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size])];
  const files = await Promise.all(
    Object.entries({
      "train-images-idx3-ubyte": Uint8Array.from([...header(20, 6, 6), ...Array.from({ length: 720 }, (_, i) => (7 * i) % 256)]),
      "train-labels-idx1-ubyte": Uint8Array.from([...header(20), ...Array.from({ length: 20 }, (_, i) => i % 10)]),
    }).map(([path, bytes]) => artifacts.upload(bytes, { mediaType: mediaTypes.sourceLayer, annotations: { [annotations.title]: path } })),
  );
  const described = files.map(({ digest, size, annotations: notes }) => ({ path: notes![annotations.title]!, digest, bytes: size }));
  const parameters = { files: described, licence: "CC0-1.0", source: "digits" };
  const built = buildSourceManifest({ recipe: { kind: "import", inputs: {}, parameters }, licences: ["CC0-1.0"], files });
  const source = (await artifacts.publish(built)).digest as Digest;
  const dataset = await system.make({
    kind: "dataset",
    inputs: { source },
    parameters: { generator: "rotated-mnist/1", angles: [0, 90] },
    seed: 0,
  });
  const index = decodeIndex(await dataOf(system, dataset, mediaTypes.datasetLayer));
  assert.deepEqual([index.count, index.domains, index.classes.length], [20, ["0", "90"], 10]);
  const { layers } = readManifest((await artifacts.get(dataset)).manifest);
  const shards = layers.filter(({ mediaType }) => mediaType === mediaTypes.shard);
  assert.deepEqual(
    shards.map(({ digest, size }) => ({ digest, bytes: size })),
    index.shards,
  );
  // What waited there to be sent is gone.
  await waitFor(async () => (await readdir(`${cache}/made`)).length === 0, { what: "the end of the files of a job" });
});

test("a recipe that does not fit its inputs fails at once, with a sentence", async () => {
  const source = await importPictures(system.artifacts, 2);
  const dataset = await system.make({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  const cases = [
    [{ kind: "split", inputs: { dataset: source }, parameters: split }, /inputs\.dataset: expected a dataset, got a source/],
    [
      { kind: "dataset", inputs: { source: dataset }, parameters: { generator: "image-shards/1" } },
      /inputs\.source: expected files that were imported/,
    ],
    [
      { kind: "dataset", inputs: { source: dataset }, parameters: { generator: "subset/1", domains: ["lihgt"] } },
      /there is no domain "lihgt"; did you mean light\?/,
    ],
    [{ kind: "dataset", inputs: { source }, parameters: { generator: "rotated-mnist/1" }, seed: 0 }, /there are no idx files of digits/],
    [
      { kind: "split", inputs: { dataset }, parameters: { scheme: "items/1", fraction: 0.2, trial: 0, test: 0.01 } },
      /parameters\.test: is 0\.01: of the items of the data set none is held out; expected a larger share, or more items/,
    ],
  ] as const;
  for (const [recipe, message] of cases) {
    const { id } = await system.submit(recipe);
    const { error, attempt } = await system.reached(id, JobState.FAILED);
    assert.match(error, message);
    assert.equal(attempt, 1);
  }
});

test("a trainer uses the files that are there, and copies none", async () => {
  await trainer.kill();
  const own = directory.join("own-cache");
  const env = { RATATOUILLE_CACHE_DIR: own, RATATOUILLE_DATA_ROOT: directory.join("blobs") };
  await using _other = startTrainer(system.address, env);
  const source = await importPictures(system.artifacts, 3);
  await system.make({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  assert.deepEqual(await readdir(`${own}/blobs`), []);
});
