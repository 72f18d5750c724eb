import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { buildModelManifest, digestOf, layerOf, mediaTypes, type Recipe, readManifest, recipeKey } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { averageOf, buildSource, type CatalogFixture, refusal, startCatalog, weightsOf } from "./testing/system.ts";

// libs/artifacts over the real catalog; what the client does with a catalog that misbehaves is tested beside it.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Publishes an average of one source artifact with the given weights, which go the way that `publish` chooses. */
async function publishWith(catalog: CatalogFixture, name: string, weights: Uint8Array, more: readonly Uint8Array[] = []) {
  const source = await catalog.artifacts.publish(await buildSource(catalog.artifacts, 1));
  const recipe: Recipe = averageOf([source.digest as `sha256:${string}`], name);
  const descriptor = { mediaType: mediaTypes.weights, digest: digestOf(weights), size: weights.length };
  const built = buildModelManifest({ recipe, licences: [], weights: descriptor, architecture: "mlp", parameterCount: 1 });
  return { recipe, artifact: await catalog.artifacts.publish(built, { blobs: [weights, ...more] }) };
}

async function corrupt(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
}

test("a publication takes its small blobs along and uploads its large ones first", async () => {
  await using catalog = await startCatalog();
  for (const [name, size] of Object.entries({ carried: 10 * KIB, large: 5 * MIB + 1 })) {
    const weights = weightsOf(size % 250, size);
    const { recipe, artifact } = await publishWith(catalog, name, weights);
    const found = await catalog.artifacts.findByRecipe(recipe);
    assert.equal(found?.digest, artifact.digest);
    const { digest } = layerOf(readManifest(found!.manifest), mediaTypes.weights);
    assert.ok(Buffer.from(weights).equals(await catalog.artifacts.download(digest)));
    const again = await publishWith(catalog, name, weights);
    assert.equal(again.artifact.digest, artifact.digest);
  }
});

test("recipes whose manifests do not fit one answer are found in several", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const recipes: Recipe[] = [];
  for (let n = 0; n < 8; n++) {
    const { manifest, config } = await buildSource(artifacts, n);
    const large = JSON.parse(new TextDecoder().decode(manifest));
    large.annotations.note = "x".repeat(1_000_000);
    await artifacts.publish({ manifest: new TextEncoder().encode(JSON.stringify(large)), digest: digestOf(manifest), config });
    recipes.push(readManifest(manifest).recipe);
  }
  const found = await Promise.all(recipes.map((recipe) => artifacts.findByRecipe(recipe)));
  assert.deepEqual(
    found.map((artifact) => artifact?.recipeKey),
    recipes.map(recipeKey),
  );
  const recipeKeys = [digestOf("nobody"), ...recipes.map(recipeKey)];
  const answer = await client.findArtifacts({ recipeKeys });
  assert.deepEqual([answer.answered, answer.artifacts.length], [4, 3]);
  assert.deepEqual((await client.findArtifacts({ recipeKeys: recipeKeys.slice(4, 6) })).answered, 2);
});

test("hundreds of recipes are found in one go, those that are damaged are not", async () => {
  await using catalog = await startCatalog();
  const published: Awaited<ReturnType<typeof publishWith>>[] = [];
  for (let i = 0; i < 5; i++) published.push(await publishWith(catalog, `model ${i}`, weightsOf(i + 100, 4 * KIB)));
  const [first] = published;
  const { digest } = layerOf(readManifest(first!.artifact.manifest), mediaTypes.weights);
  await corrupt(catalog.blobPath(digest));
  await catalog.restart();
  const unknown = Array.from({ length: 400 }, (_, i) => averageOf([digest], `unknown ${i}`));
  const found = await Promise.all(
    [...published.map(({ recipe }) => recipe), ...unknown].map((recipe) => catalog.artifacts.findByRecipe(recipe)),
  );
  assert.deepEqual(
    found.map((artifact) => artifact?.digest).filter((name) => name !== undefined),
    published.slice(1).map(({ artifact }) => artifact.digest),
  );
  await refusal(catalog.artifacts.get(first!.artifact.digest), Code.NOT_FOUND, "ARTIFACT_DAMAGED");
});

test("a lookup verifies no more than it may; what it left is verified by those who read it", async () => {
  await using catalog = await startCatalog({ verifyAtLookupBytes: 100 * KIB });
  const { recipe, artifact } = await publishWith(catalog, "large", weightsOf(7, 200 * KIB));
  const { digest } = layerOf(readManifest(artifact.manifest), mediaTypes.weights);
  await corrupt(catalog.blobPath(digest));
  await catalog.restart();
  assert.equal((await catalog.artifacts.findByRecipe(recipe))?.digest, artifact.digest);
  await refusal(catalog.artifacts.read(digest, { offset: 0, length: 10 }), Code.DATA_LOSS, "BLOB_CORRUPTED");
  assert.equal(await catalog.artifacts.findByRecipe(recipe), undefined);
  await refusal(catalog.artifacts.download(digest), Code.DATA_LOSS, "BLOB_CORRUPTED");

  const repaired = await publishWith(catalog, "large", weightsOf(7, 200 * KIB));
  assert.equal(repaired.artifact.digest, artifact.digest);
  assert.equal((await catalog.artifacts.findByRecipe(recipe))?.digest, artifact.digest);
});

test("the bound is one for all recipes of a call, and what was verified once costs nothing", async () => {
  await using catalog = await startCatalog({ verifyAtLookupBytes: 100 * KIB });
  const published: Awaited<ReturnType<typeof publishWith>>[] = [];
  for (let i = 0; i < 3; i++) published.push(await publishWith(catalog, `model ${i}`, weightsOf(i + 100, 45 * KIB)));
  for (const { artifact } of published)
    await corrupt(catalog.blobPath(layerOf(readManifest(artifact.manifest), mediaTypes.weights).digest));
  await catalog.restart();
  const seen = async () =>
    (await Promise.all(published.map(({ recipe }) => catalog.artifacts.findByRecipe(recipe)))).filter((artifact) => artifact !== undefined)
      .length;
  assert.equal(await seen(), 1, "two of three fit the bound");
  assert.equal(await seen(), 0);
});

test("a lookup that its caller leaves says so at once", async () => {
  await using catalog = await startCatalog();
  const { recipe } = await publishWith(catalog, "model", weightsOf(1));
  const stop = new AbortController();
  const finding = catalog.artifacts.findByRecipe(recipe, { signal: stop.signal });
  stop.abort(new Error("no time"));
  const patient = catalog.artifacts.findByRecipe(recipe);
  await assert.rejects(finding, /no time/);
  assert.ok(await patient);
});
