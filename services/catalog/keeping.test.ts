import assert from "node:assert/strict";
import { appendFile, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Digest } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { CatalogFault_Kind, type CheckCatalogResponse } from "#proto/ratatouille/v1/catalog_pb.ts";
import { averageOf, buildAverage, buildSource, type CatalogFixture, refusal, startCatalog, weightsOf } from "./testing/system.ts";

const HOUR_MS = 3_600_000;

async function source({ artifacts }: CatalogFixture, n: number): Promise<Digest> {
  return (await artifacts.publish(await buildSource(artifacts, n))).digest as Digest;
}

test("retention rules keep what a filter finds for a time, and where refs were before", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  const [a, b, c, d] = [await source(catalog, 1), await source(catalog, 2), await source(catalog, 3), await source(catalog, 4)];
  await client.moveRef({ name: "digits/champion", to: a });
  await client.moveRef({ name: "digits/champion", from: a, to: b });
  await client.moveRef({ name: "digits/champion", from: b, to: c });
  await client.annotateArtifact({ digest: d, set: { keep: "yes" } });
  await client.setRetentionRule({ rule: { name: "noted", filter: 'annotation.keep = "*"', keepSeconds: 30n * 3600n } });
  await client.setRetentionRule({ rule: { name: "moves", refPrefix: "digits/", keepMoves: 3 } });
  await client.setRetentionRule({ rule: { name: "moves", refPrefix: "digits/", keepMoves: 1 } });
  assert.deepEqual(
    (await client.listRetentionRules({})).rules.map(({ name, keepMoves }) => [name, keepMoves]),
    [
      ["moves", 1],
      ["noted", 0],
    ],
  );
  catalog.clock.aheadMs = 2 * HOUR_MS;
  // The last move was away from b.
  assert.deepEqual((await client.collectGarbage({ dryRun: true })).artifacts, [a]);
  await catalog.restart();
  assert.deepEqual((await catalog.client.collectGarbage({})).artifacts, [a]);
  catalog.clock.aheadMs = 31 * HOUR_MS;
  assert.deepEqual((await catalog.client.collectGarbage({ dryRun: true })).artifacts, [d]);
  await catalog.client.deleteRetentionRule({ name: "moves" });
  assert.deepEqual((await catalog.client.collectGarbage({})).artifacts, [d, b]);
  await refusal(catalog.client.deleteRetentionRule({ name: "moves" }), Code.NOT_FOUND, "RULE_NOT_FOUND");
});

test("wrong retention rules are refused", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  const field = async (rule: NonNullable<Parameters<typeof client.setRetentionRule>[0]["rule"]>) =>
    (await refusal(client.setRetentionRule({ rule }), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field;
  assert.equal(await field({ name: "a b", filter: "x" }), "rule.name");
  assert.equal(await field({ name: "a" }), "rule");
  assert.equal(await field({ name: "a", filter: "x", keepMoves: 1 }), "rule");
  assert.equal(await field({ name: "a", filter: "size = x" }), "rule.filter");
  assert.equal(await field({ name: "a", filter: "parent = birds:1" }), "rule.filter");
  assert.equal(await field({ name: "a", filter: "x", keepSeconds: -1n }), "rule.keep_seconds");
  assert.equal(await field({ name: "a", keepMoves: 101 }), "rule.keep_moves");
  assert.equal((await refusal(client.setRetentionRule({}), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field, "rule");
  assert.deepEqual((await client.listRetentionRules({})).rules, []);
});

async function check({ client }: CatalogFixture, resumeToken = ""): Promise<CheckCatalogResponse["event"][]> {
  const events = await Array.fromAsync(client.checkCatalog({ resumeToken }, { timeoutMs: 60_000 }));
  return events.map(({ event }) => event);
}

function faultsOf(events: readonly CheckCatalogResponse["event"][]) {
  return events.flatMap((event) => (event.case === "fault" ? [[event.value.kind, event.value.digest, event.value.artifacts]] : []));
}

test("a check finds bytes that changed, blobs that are gone and manifests that are others, and marks what they damage", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const digests = [await source(catalog, 1), await source(catalog, 2), await source(catalog, 3), await source(catalog, 4)];
  const clean = await check(catalog);
  assert.deepEqual(faultsOf(clean), []);
  const last = clean.at(-1);
  // Four files, and the config that all have in common.
  assert.deepEqual(last?.case === "summary" && [last.value.blobs, last.value.artifacts, last.value.faults], [5n, 4n, 0n]);

  const blobOf = async (digest: string) => JSON.parse(Buffer.from((await artifacts.get(digest)).manifest).toString()).layers[0].digest;
  const [altered, gone] = [await blobOf(digests[0]!), await blobOf(digests[1]!)];
  await appendFile(catalog.blobPath(altered), "x");
  await rm(catalog.blobPath(gone));
  const database = new DatabaseSync(catalog.directory.join("data", "catalog.sqlite"));
  database.prepare("update artifact set manifest = ? where digest = ?").run(Buffer.from("{}"), digests[2]!);
  database.close();

  const { BLOB_CORRUPTED, BLOB_MISSING, MANIFEST } = CatalogFault_Kind;
  const found = await check(catalog);
  assert.deepEqual(faultsOf(found).slice(0, 1), [[BLOB_CORRUPTED, altered, [digests[0]]]]);
  assert.deepEqual(faultsOf(found).slice(1), [
    // It was set aside.
    [BLOB_MISSING, altered, [digests[0]]],
    [BLOB_MISSING, gone, [digests[1]]],
    [MANIFEST, digests[2], [digests[2]]],
  ]);
  for (const digest of digests.slice(0, 3)) {
    const { artifact } = await client.getArtifact({ name: { case: "digest", value: digest }, includeDamaged: true });
    assert.equal(artifact?.damaged, true);
  }
  assert.equal((await artifacts.get(digests[3]!)).damaged, false);
});

test("a check that broke goes on where it was", async () => {
  await using catalog = await startCatalog();
  for (let n = 0; n < 3; n++) await source(catalog, n);
  const all = await check(catalog);
  const token = all.findLast((event) => event.case === "progress")?.value.resumeToken ?? "";
  const rest = (await check(catalog, token)).at(-1);
  assert.deepEqual(rest?.case === "summary" && [rest.value.blobs, rest.value.artifacts], [0n, 0n]);
  const { digest } = await catalog.artifacts.upload(weightsOf(9), { mediaType: "application/octet-stream" });
  const before = `blobs/sha256:${"0".repeat(64)}`;
  await writeFile(catalog.blobPath(digest), "x");
  assert.deepEqual(faultsOf(await check(catalog, before)), [[CatalogFault_Kind.BLOB_CORRUPTED, digest, []]]);
  assert.deepEqual(faultsOf(await check(catalog, `blobs/sha256:${"f".repeat(64)}`)), []);
  for (const resumeToken of ["x", "blobs/x", "artifacts/-1"])
    await refusal(
      Array.fromAsync(catalog.client.checkCatalog({ resumeToken }, { timeoutMs: 10_000 })),
      Code.INVALID_ARGUMENT,
      "INVALID_FIELD",
    );
});

test("usage is told by the words of names and by annotations, with all that is needed", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const [a, b] = [await source(catalog, 1), await source(catalog, 2)];
  const ab = (await artifacts.publish(await buildAverage(artifacts, averageOf([a, b], "head"), weightsOf(3)))).digest;
  await client.moveRef({ name: "birds/a", to: a });
  await client.moveRef({ name: "birds-small/b", to: b });
  await client.createTag({ name: "birds:1.0", digest: ab });
  await client.annotateArtifact({ digest: a, set: { team: "vision" } });
  await client.annotateArtifact({ digest: b, set: { team: "audio" } });
  const size = async (...digests: string[]) => {
    const blobs = new Map<string, number>();
    for (const digest of digests) {
      const { config, layers } = JSON.parse(Buffer.from((await artifacts.get(digest)).manifest).toString());
      for (const blob of [config, ...layers]) blobs.set(blob.digest, blob.size);
    }
    return [...blobs.values()].reduce((sum, bytes) => sum + bytes, 0);
  };
  const usage = async (request: Parameters<typeof client.getStorageUsage>[0]) =>
    (await client.getStorageUsage(request)).usages.map(({ name, artifacts, bytes }) => [name, Number(artifacts), Number(bytes)]);
  assert.deepEqual(await usage({ group: { case: "refPrefix", value: "" } }), [
    ["birds", 3, await size(a, b, ab)],
    ["birds-small", 1, await size(b)],
  ]);
  assert.deepEqual(await usage({ group: { case: "refPrefix", value: "birds/" } }), [["birds/a", 1, await size(a)]]);
  assert.deepEqual(await usage({ group: { case: "annotation", value: "team" } }), [
    ["audio", 1, await size(b)],
    ["vision", 1, await size(a)],
  ]);
  const first = await client.getStorageUsage({ group: { case: "annotation", value: "team" }, pageSize: 1 });
  assert.equal(Number(first.storedBytes), await size(a, b, ab));
  const second = await client.getStorageUsage({
    group: { case: "annotation", value: "team" },
    pageSize: 1,
    pageToken: first.nextPageToken,
  });
  assert.deepEqual([second.usages[0]?.name, second.nextPageToken], ["vision", ""]);
  assert.equal((await refusal(client.getStorageUsage({}), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field, "group");
});
