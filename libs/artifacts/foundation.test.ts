import assert from "node:assert/strict";
import { test } from "node:test";
import { buildModelManifest, type Digest, digestOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { createFoundationFinder } from "./index.ts";
import { catalogOf } from "./testing/catalog-of.ts";

const training = { architecture: "mlp", hidden: [4], classes: 2, steps: 1, batch: 1, learningRate: 0.1, weightDecay: 0, dropout: 0 };
const parameters = { ...training, train: "all", keep: "last", validationFraction: 0, validateEvery: 0 };
const datasets = [digestOf("data")];

/** Manifests by digest, as many as recipes are added. */
function lineage() {
  const manifests = new Map<string, Uint8Array>();
  const add = (recipe: Recipe): Digest => {
    const weights = { mediaType: mediaTypes.weights, digest: digestOf("weights"), size: 7 };
    const built = buildModelManifest({ recipe, licences: [], weights, architecture: "mlp", parameterCount: 1 });
    manifests.set(built.digest, built.manifest);
    return built.digest;
  };
  return {
    manifests,
    pretrain: (seed: number) => add({ kind: "pretrain", inputs: { datasets }, parameters, seed, arithmetic: "x" }),
    tune: (featurizer: Digest, seed: number) =>
      add({ kind: "fine-tune", inputs: { datasets, featurizer, head: featurizer }, parameters, seed, arithmetic: "x" }),
    average: (models: readonly Digest[]) =>
      add({ kind: "average", inputs: { models }, parameters: { method: "uniform" }, arithmetic: "x" }),
    imported: (source: string, base?: Digest) => {
      const files = [{ path: "m", digest: digestOf("weights"), bytes: 7 }];
      return add({ kind: "import", inputs: base === undefined ? {} : { base }, parameters: { files, licence: "MIT", source } });
    },
    train: (weights?: Digest) =>
      add({ kind: "train", inputs: { dataset: digestOf("data"), ...(weights && { weights }) }, parameters: {}, seed: 1, arithmetic: "x" }),
  };
}

test("a lineage with two ways down at each of its steps is walked once", async () => {
  const models = lineage();
  const root = models.pretrain(1);
  let [left, right] = [models.tune(root, 1), models.tune(root, 2)];
  // 2⁴⁰ ways to the root.
  for (let level = 0; level < 40; level++) [left, right] = [models.average([left, right]), models.average([right, left])];
  let calls = 0;
  await using catalog = await catalogOf({
    getArtifact({ name }) {
      calls++;
      return { artifact: { digest: name.value as string, manifest: models.manifests.get(name.value as string)! } };
    },
  });
  const find = createFoundationFinder(catalog.artifacts, new AbortController().signal);
  assert.deepEqual(await find(readManifest(models.manifests.get(left)!)), { digest: root, imported: false });
  assert.deepEqual(await find(readManifest(models.manifests.get(right)!)), { digest: root, imported: false });
  assert.equal(calls, 2 * 40 + 1);
});

test("a foundation is one that all members have, and one that was imported is called so", async () => {
  const models = lineage();
  const [one, other, imported] = [models.pretrain(1), models.pretrain(2), models.imported("hub")];
  await using catalog = await catalogOf({
    getArtifact: ({ name }) => ({ artifact: { digest: name.value as string, manifest: models.manifests.get(name.value as string)! } }),
  });
  const find = createFoundationFinder(catalog.artifacts, new AbortController().signal);
  const foundationOf = async (digest: Digest) => find(readManifest(models.manifests.get(digest)!));
  assert.deepEqual(await foundationOf(one), { digest: one, imported: false });
  assert.equal(await foundationOf(models.average([one, other])), undefined);
  assert.equal(await foundationOf(models.average([one, models.average([one, other])])), undefined);
  assert.equal(await foundationOf(imported), undefined);
  assert.deepEqual(await foundationOf(models.tune(imported, 1)), { digest: imported, imported: true });
  assert.deepEqual(await foundationOf(models.average([imported, models.tune(imported, 2)])), { digest: imported, imported: true });
});

test("an import whose base was declared comes from there, and so does what is trained of it", async () => {
  const models = lineage();
  const [base, other] = [models.imported("base"), models.imported("other")];
  const [tuned, deeper] = [models.imported("tuned", base), models.imported("deeper", models.imported("tuned", base))];
  await using catalog = await catalogOf({
    getArtifact: ({ name }) => ({ artifact: { digest: name.value as string, manifest: models.manifests.get(name.value as string)! } }),
  });
  const find = createFoundationFinder(catalog.artifacts, new AbortController().signal);
  const foundationOf = async (digest: Digest) => find(readManifest(models.manifests.get(digest)!));
  for (const model of [tuned, deeper, models.tune(tuned, 1), models.train(tuned), models.average([tuned, models.train(deeper)])])
    assert.deepEqual(await foundationOf(model), { digest: base, imported: false });
  assert.deepEqual(await foundationOf(models.train(other)), { digest: other, imported: true });
  const own = models.train();
  assert.deepEqual(await foundationOf(own), { digest: own, imported: false });
  assert.equal(await foundationOf(models.average([tuned, models.imported("x", other)])), undefined);
});
