import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { lookAtImageSet, readImageSet } from "#libs/image-sets";
import { readManifest } from "#libs/recipes";
import { findLooks, importImages } from "#libs/remote-images";
import { writeFolder } from "../../libs/image-sets/testing/image-folder.ts";
import { startCatalog } from "../../services/catalog/testing/system.ts";

const { signal } = new AbortController();
const options = { licence: "CC0-1.0", source: "drawn", signal };
const files = Object.fromEntries(
  ["photo/owl", "photo/hen", "sketch/owl"].flatMap((folder, f) => [0, 1, 2].map((i) => [`${folder}/${i}.png`, 3 * f + i])),
);

test("an import that was broken off before it was published goes on: what is there is not sent again", async () => {
  await using catalog = await startCatalog();
  await writeFolder(catalog.directory.join("birds"), files);
  const set = await readImageSet(catalog.directory.join("birds"));
  const cut = { ...catalog.artifacts, publish: () => Promise.reject(new Error("cut")) };
  await assert.rejects(importImages(set, cut, options), /cut/);
  const again = await importImages(set, catalog.artifacts, options);
  assert.deepEqual([again.domains, again.pictures, again.sentBytes], [["photo", "sketch"], [6, 3], 0]);
  assert.ok(again.bytes > 0);
  const known = await importImages(set, catalog.artifacts, options);
  assert.equal(known.digest, again.digest);
});

test("what a check refuses is not sent; what is new is looked at once, and the catalog keeps what it looks like", async () => {
  await using catalog = await startCatalog();
  await writeFolder(catalog.directory.join("birds"), files);
  const set = await readImageSet(catalog.directory.join("birds"));
  const refused = importImages(set, catalog.artifacts, { ...options, look: () => Promise.reject(new Error("cut short")) });
  await assert.rejects(refused, /cut short/);
  let checks = 0;
  const look = async () => {
    checks++;
    return (await lookAtImageSet(set.path)).looks;
  };
  const imported = await importImages(set, catalog.artifacts, { ...options, look });
  assert.deepEqual([imported.sentBytes, checks], [imported.bytes, 1]);
  const again = await importImages(set, catalog.artifacts, { ...options, look });
  assert.deepEqual([again, checks], [{ ...imported, sentBytes: 0 }, 1]);
  const stored = await findLooks(catalog.artifacts, imported.digest, signal);
  assert.deepEqual(stored?.looks, (await lookAtImageSet(set.path)).looks);
  assert.equal(stored?.looks.hash.length, 2 * Object.keys(files).length);
});

test("an archive that was damaged in the catalog is sent again", async () => {
  await using catalog = await startCatalog();
  await writeFolder(catalog.directory.join("birds"), files);
  const set = await readImageSet(catalog.directory.join("birds"));
  const first = await importImages(set, catalog.artifacts, options);
  const { manifest } = await catalog.artifacts.get(first.digest);
  const { layers } = readManifest(manifest);
  await rm(catalog.blobPath(layers[0]!.digest));
  const again = await importImages(set, catalog.artifacts, options);
  assert.deepEqual([again.digest, again.sentBytes], [first.digest, first.bytes]);
});

test("nothing is published of a folder with an image that is gone", async () => {
  await using catalog = await startCatalog();
  await writeFolder(catalog.directory.join("birds"), files);
  const set = await readImageSet(catalog.directory.join("birds"));
  await rm(catalog.directory.join("birds/photo/owl/1.png"));
  await assert.rejects(importImages(set, catalog.artifacts, options), /photo\/owl\/1.png cannot be read: it is gone$/);
  const { artifacts } = await catalog.client.listArtifacts({});
  assert.equal(artifacts.length, 0);
});
