import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { buildModelManifest, digestOf, mediaTypes } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { artifactPublished } from "#libs/topics";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { averageOf, buildAverage, buildDataset, buildSource, bytesOf, refusal, startCatalog, weightsOf } from "./testing/system.ts";

const stream = { timeoutMs: 10_000 };

test("a blob goes up and comes down, whole and in part", async () => {
  await using catalog = await startCatalog();
  const content = Uint8Array.from({ length: 2_500_001 }, (_, index) => (index * 7) % 251);
  const sizeOf = async (name: string) => {
    const { receivedBytes, sizeBytes } = await catalog.client.getUpload({ digest: name });
    return [receivedBytes, sizeBytes];
  };
  const { digest, size } = await catalog.artifacts.upload(content, { mediaType: mediaTypes.weights });
  assert.deepEqual([digest, size], [digestOf(content), content.length]);
  assert.ok(Buffer.from(content).equals(await catalog.artifacts.download(digest)));
  assert.deepEqual(await catalog.artifacts.read(digest, { offset: 1_048_570, length: 20 }), content.slice(1_048_570, 1_048_590));
  const tail = await Array.fromAsync(catalog.client.downloadBlob({ digest, offset: BigInt(content.length - 3) }, stream));
  assert.deepEqual(Buffer.concat(tail.map(({ chunk }) => chunk)), Buffer.from(content.slice(-3)));
  assert.deepEqual(await sizeOf(digest), [0n, BigInt(size)]);
  assert.deepEqual(await sizeOf(digestOf("else")), [0n, undefined]);
  const empty = await catalog.artifacts.upload(new Uint8Array(0), { mediaType: mediaTypes.empty });
  assert.equal((await catalog.artifacts.download(empty.digest)).length, 0);
  await catalog.restart();
  assert.ok(Buffer.from(content).equals(await catalog.artifacts.download(digest)));
});

test("wrong uploads and downloads are refused and leave nothing", async () => {
  await using catalog = await startCatalog();
  const { client } = catalog;
  type Part = { part: { case: "header"; value: { digest?: string; sizeBytes?: bigint } } | { case: "chunk"; value: Uint8Array } };
  const upload = (...parts: Part[]) =>
    client.uploadBlob(
      (async function* () {
        yield* parts;
      })(),
      stream,
    );
  const header = (value: { digest?: string; sizeBytes?: bigint }): Part => ({ part: { case: "header", value } });
  const chunk = (value: Uint8Array): Part => ({ part: { case: "chunk", value } });
  const fieldOf = async (call: Promise<unknown>, reason = "INVALID_FIELD") =>
    (await refusal(call, Code.INVALID_ARGUMENT, reason)).violations[0]?.field;

  assert.equal(await fieldOf(upload()), "header");
  assert.equal(await fieldOf(upload(chunk(bytesOf(1)))), "header");
  assert.equal(await fieldOf(upload(header({}), header({}))), "chunk");
  assert.equal(await fieldOf(upload(header({}), chunk(new Uint8Array((1 << 20) + 1)))), "chunk");
  assert.equal(await fieldOf(upload(header({ digest: "sha256:ABC" }))), "header.digest");
  assert.equal(await fieldOf(upload(header({ digest: digestOf("else") }), chunk(bytesOf(1))), "BLOB_MISMATCH"), "header.digest");
  assert.equal(await fieldOf(upload(header({ sizeBytes: 63n }), chunk(bytesOf(1))), "BLOB_MISMATCH"), "header.size_bytes");
  assert.deepEqual(await readdir(catalog.directory.join("data", "blobs", "sha256")), []);
  assert.deepEqual(await readdir(catalog.directory.join("data", "blobs", "incoming")), []);

  const download = (request: Parameters<typeof client.downloadBlob>[0]) => Array.fromAsync(client.downloadBlob(request, stream));
  const { digest } = await catalog.artifacts.upload(bytesOf(1), { mediaType: mediaTypes.weights });
  assert.equal(await fieldOf(download({ digest: "../../etc/passwd" })), "digest");
  assert.equal(await fieldOf(download({ digest, offset: -1n })), "offset");
  assert.equal(await fieldOf(download({ digest, offset: 65n })), "offset");
  assert.equal(await fieldOf(download({ digest, length: -1n })), "length");
  const missing = await refusal(download({ digest: digestOf("else") }), Code.NOT_FOUND, "BLOB_NOT_FOUND");
  assert.equal(missing.metadata["digest"], digestOf("else"));
});

test("an upload that breaks off leaves nothing", async () => {
  await using catalog = await startCatalog();
  const stop = new AbortController();
  async function* half() {
    yield bytesOf(1, 500_000);
    await waitFor(async () => (await readdir(catalog.directory.join("data", "blobs", "incoming"))).length === 1);
    stop.abort();
    yield bytesOf(2, 500_000);
  }
  await assert.rejects(catalog.artifacts.upload(half(), { mediaType: mediaTypes.weights, signal: stop.signal }));
  await waitFor(async () => (await readdir(catalog.directory.join("data", "blobs", "incoming"))).length === 0);
  assert.deepEqual(await readdir(catalog.directory.join("data", "blobs", "sha256")), []);
});

test("an artifact is published once, found by every name, and told of once", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const built = await buildSource(artifacts, 1);
  const started = Date.now();
  const first = await artifacts.publish(built);
  const again = await client.publishArtifact({ manifest: built.manifest });
  assert.equal(again.existed, true);
  const published = again.artifact!;
  assert.deepEqual(published, { ...first, publishedAtMs: published.publishedAtMs });
  assert.ok(first.publishedAtMs >= started && published.publishedAtMs >= first.publishedAtMs && published.publishedAtMs <= Date.now());
  assert.equal(published.digest, built.digest);
  assert.equal(published.digest, digestOf(built.manifest));
  assert.equal(published.kind, ArtifactKind.SOURCE);
  assert.equal(published.sizeBytes, 64n + BigInt(built.config.length));

  await client.moveRef({ name: "numbers/one", to: built.digest });
  for (const name of [
    { case: "digest", value: built.digest },
    { case: "digest", value: built.digest.slice(0, 15) },
    { case: "digest", value: built.digest.slice(7, 20) },
    { case: "recipeKey", value: published.recipeKey },
    { case: "ref", value: "numbers/one" },
  ] as const) {
    assert.deepEqual((await client.getArtifact({ name })).artifact, { ...published, names: ["numbers/one"] }, `${name.case} ${name.value}`);
  }
  const events: string[] = [];
  const stop = new AbortController();
  const consuming = catalog.bus.consume(artifactPublished, { durable: "test", concurrency: 1, signal: stop.signal }, async (message) => {
    events.push(`${message.digest} ${message.recipeKey} ${message.kind}`);
  });
  const second = await artifacts.publish(await buildDataset(artifacts, 2));
  await waitFor(() => events.length === 2);
  stop.abort();
  await consuming;
  assert.deepEqual(events, [`${published.digest} ${published.recipeKey} 1`, `${second.digest} ${second.recipeKey} 2`]);

  const lost = { case: "digest", value: digestOf("else") } as const;
  await refusal(client.getArtifact({ name: lost }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  await refusal(client.getArtifact({ name: { case: "recipeKey", value: digestOf("else") } }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  await refusal(client.getArtifact({ name: { case: "ref", value: "nobody" } }), Code.NOT_FOUND, "REF_NOT_FOUND");
  const wrong = await refusal(
    client.getArtifact({ name: { case: "digest", value: "sha256:123" } }),
    Code.INVALID_ARGUMENT,
    "INVALID_FIELD",
  );
  assert.match(wrong.message, /digest: expected .* first 8 of them; got "sha256:123"/);
  await refusal(client.getArtifact({}), Code.INVALID_ARGUMENT, "INVALID_FIELD");
});

test("a publication that cannot stand is refused", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const source = await artifacts.publish(await buildSource(artifacts, 1));

  const text = new TextEncoder();
  for (const [manifest, says, field] of [
    [text.encode("no JSON"), /JSON/, "manifest"],
    [text.encode("{}"), /artifactType/, "manifest.artifactType"],
    [new Uint8Array((1 << 20) + 1), /1048577 bytes/, "manifest"],
  ] as const) {
    const error = await refusal(client.publishArtifact({ manifest }), Code.INVALID_ARGUMENT, "INVALID_FIELD");
    assert.equal(error.violations[0]?.field, field);
    assert.match(error.message, says);
  }

  const orphan = await buildAverage(artifacts, averageOf([source.digest as `sha256:${string}`, digestOf("nobody")], "x"), weightsOf(5));
  const input = await refusal(artifacts.publish(orphan), Code.FAILED_PRECONDITION, "INPUT_MISSING");
  assert.equal(input.metadata["digest"], digestOf("nobody"));

  const recipe = averageOf([source.digest as `sha256:${string}`], "x");
  const good = await buildAverage(artifacts, recipe, weightsOf(6));
  await artifacts.publish(good);
  const other = await buildAverage(artifacts, recipe, weightsOf(7));
  const conflict = await refusal(artifacts.publish(other), Code.ALREADY_EXISTS, "RECIPE_NOT_REPRODUCED");
  assert.deepEqual([conflict.metadata["existing"], conflict.metadata["offered"]], [good.digest, other.digest]);

  const lacking = await buildAverage(artifacts, averageOf([source.digest as `sha256:${string}`], "y"), weightsOf(8));
  await rm(catalog.blobPath(digestOf(weightsOf(8))));
  const blob = await refusal(artifacts.publish(lacking), Code.FAILED_PRECONDITION, "BLOB_MISSING");
  assert.equal(blob.metadata["digest"], digestOf(weightsOf(8)));
  assert.equal((await client.listArtifacts({})).artifacts.length, 2);
});

test("lists have pages, newest first, and lineage walks the inputs breadth first", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const digests: `sha256:${string}`[] = [];
  for (let n = 0; n < 5; n++) digests.push((await artifacts.publish(await buildSource(artifacts, n))).digest as `sha256:${string}`);
  const [a, b, c] = digests as [(typeof digests)[number], (typeof digests)[number], (typeof digests)[number]];
  const ab = (await artifacts.publish(await buildAverage(artifacts, averageOf([b, a], "x"), weightsOf(10)))).digest as typeof a;
  const top = (await artifacts.publish(await buildAverage(artifacts, averageOf([ab, c, a], "y"), weightsOf(11)))).digest as typeof a;

  const pages: string[][] = [];
  for (let pageToken = ""; ; ) {
    const page = await client.listArtifacts({ pageSize: 3, pageToken });
    pages.push(page.artifacts.map(({ digest }) => digest));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  assert.deepEqual(
    pages.map(({ length }) => length),
    [3, 3, 1],
  );
  assert.deepEqual(pages.flat(), [...digests, ab, top].reverse());
  const models = await client.listArtifacts({ kind: ArtifactKind.MODEL, pageSize: 1 });
  assert.deepEqual(
    models.artifacts.map(({ digest }) => digest),
    [top],
  );
  assert.deepEqual(models.artifacts[0]?.inputs, [ab, c, a]);
  for (const wrong of [{ pageSize: -1 }, { pageToken: "x" }, { pageToken: models.nextPageToken }, { kind: 9 as ArtifactKind }]) {
    await refusal(client.listArtifacts(wrong), Code.INVALID_ARGUMENT, "INVALID_FIELD");
  }

  const lineage = async (depth: number) => (await client.getLineage({ digest: top, depth })).artifacts.map(({ digest }) => digest);
  assert.deepEqual(await lineage(0), [top, ab, c, a, b]);
  assert.deepEqual(await lineage(1), [top, ab, c, a]);
  await refusal(client.getLineage({ digest: digestOf("else") }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  await refusal(client.getLineage({ digest: top, depth: -1 }), Code.INVALID_ARGUMENT, "INVALID_FIELD");
});

for (const [how, spoil] of [
  ["altered", (path: string) => writeFile(path, bytesOf(99))],
  ["cut short", (path: string) => writeFile(path, bytesOf(3, 10))],
  ["removed", (path: string) => rm(path)],
] as const) {
  test(`a blob that was ${how} is named, not used, and healed by its recipe`, async () => {
    await using catalog = await startCatalog();
    const { client, artifacts } = catalog;
    const built = await buildSource(artifacts, 3);
    // The same file under another recipe, and one that has nothing to do with it.
    const sibling = await buildSource(artifacts, 4, bytesOf(3));
    const bystander = await artifacts.publish(await buildSource(artifacts, 5));
    const { digest, recipeKey } = await artifacts.publish(built);
    await artifacts.publish(sibling);
    const user = await artifacts.publish(await buildAverage(artifacts, averageOf([built.digest], "x"), weightsOf(6)));
    const blob = digestOf(bytesOf(3));
    await spoil(catalog.blobPath(blob));

    const loss = await refusal(artifacts.download(blob), Code.DATA_LOSS, "BLOB_CORRUPTED");
    assert.ok(loss.message.includes(blob), loss.message);
    assert.equal(loss.metadata["digest"], blob);
    await refusal(artifacts.read(blob, { offset: 1, length: 2 }), Code.DATA_LOSS, "BLOB_CORRUPTED");
    const aside = await readdir(catalog.directory.join("data", "blobs", "corrupt"));
    assert.equal(aside.length, how === "removed" ? 0 : 1);
    assert.match(await readFile(catalog.directory.join("catalog.log"), "utf8"), new RegExp(`"blob":"${blob}".*damaged blob set aside`));

    const byKey = { case: "recipeKey", value: recipeKey } as const;
    await refusal(client.getArtifact({ name: byKey }), Code.NOT_FOUND, "ARTIFACT_DAMAGED");
    assert.equal((await client.getArtifact({ name: byKey, includeDamaged: true })).artifact?.damaged, true);
    const damaged = (await client.listArtifacts({})).artifacts.filter((artifact) => artifact.damaged).map((artifact) => artifact.digest);
    assert.deepEqual(damaged.sort(), [digest, sibling.digest].sort());
    assert.deepEqual(
      (await client.getLineage({ digest: user.digest })).artifacts.map((artifact) => artifact.damaged),
      [false, true],
    );
    await refusal(client.publishArtifact({ manifest: built.manifest }), Code.FAILED_PRECONDITION, "BLOB_MISSING");
    await refusal(client.moveRef({ name: "three", to: digest }), Code.NOT_FOUND, "ARTIFACT_DAMAGED");

    const repaired = await artifacts.publish(await buildSource(artifacts, 3));
    assert.deepEqual([repaired.digest, repaired.damaged], [digest, false]);
    assert.deepEqual((await client.getArtifact({ name: byKey })).artifact, repaired);
    assert.deepEqual(await artifacts.download(blob), bytesOf(3));
    assert.equal((await artifacts.get(bystander.digest)).damaged, false);
  });
}

test("a damaged blob is found by a lookup before anybody reads it, also after a restart", async () => {
  await using catalog = await startCatalog();
  const { artifacts } = catalog;
  const built = await buildSource(artifacts, 3);
  const { recipeKey } = await artifacts.publish(built);
  await catalog.restart();
  const byKey = { case: "recipeKey", value: recipeKey } as const;
  assert.equal((await catalog.client.getArtifact({ name: byKey })).artifact?.damaged, false);
  await writeFile(catalog.blobPath(digestOf(bytesOf(3))), bytesOf(99));
  await refusal(catalog.client.getArtifact({ name: byKey }), Code.NOT_FOUND, "ARTIFACT_DAMAGED");
});

test("a recipe whose artifact is damaged may have another one", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const source = await artifacts.publish(await buildSource(artifacts, 1));
  const recipe = averageOf([source.digest as `sha256:${string}`], "x");
  const first = await buildAverage(artifacts, recipe, weightsOf(20));
  const { recipeKey } = await artifacts.publish(first);
  await rm(catalog.blobPath(digestOf(weightsOf(20))));
  await refusal(artifacts.download(digestOf(weightsOf(20))), Code.DATA_LOSS, "BLOB_CORRUPTED");

  const second = await artifacts.publish(await buildAverage(artifacts, recipe, weightsOf(21)));
  const found = await client.getArtifact({ name: { case: "recipeKey", value: recipeKey } });
  assert.equal(found.artifact?.digest, second.digest);
  await artifacts.upload(weightsOf(20), { mediaType: mediaTypes.weights });
  await refusal(artifacts.publish(first), Code.ALREADY_EXISTS, "RECIPE_NOT_REPRODUCED");
});

test("of an approximate recipe the first publication counts, and whoever comes later is told of it", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const source = await artifacts.publish(await buildSource(artifacts, 1));
  const exact = averageOf([source.digest as `sha256:${string}`], "x");
  const recipe = { ...exact, arithmetic: "~train/2 images/1" };
  const first = await artifacts.publish(await buildAverage(artifacts, recipe, weightsOf(20)));
  const other = await buildAverage(artifacts, recipe, weightsOf(21));
  const answer = await client.publishArtifact({ manifest: other.manifest, blobs: [other.config] });
  assert.deepEqual([answer.existed, answer.artifact?.digest], [true, first.digest]);
  await refusal(client.getArtifact({ name: { case: "digest", value: other.digest } }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  // It promises no bytes, but what is promised of every artifact.
  const broken = await artifacts.upload(bytesOf(3), { mediaType: mediaTypes.weights });
  const { manifest, config } = buildModelManifest({ recipe, licences: [], weights: broken, architecture: "mlp", parameterCount: 1 });
  await refusal(client.publishArtifact({ manifest, blobs: [config] }), Code.INVALID_ARGUMENT, "INVALID_FIELD");
});

test("a damaged result of an approximate recipe is superseded, and what was made of it is stale until it is back", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const digestFor = (artifact: { digest: string }) => artifact.digest as `sha256:${string}`;
  const source = await artifacts.publish(await buildSource(artifacts, 1));
  const recipe = { ...averageOf([digestFor(source)], "x"), arithmetic: "~train/2 images/1" };
  const built = await buildAverage(artifacts, recipe, weightsOf(20));
  const first = await artifacts.publish(built);
  const child = await artifacts.publish(await buildAverage(artifacts, averageOf([digestFor(first)], "y"), weightsOf(22)));
  const grandchild = await artifacts.publish(await buildAverage(artifacts, averageOf([digestFor(child)], "z"), weightsOf(23)));
  const bystander = await artifacts.publish(await buildAverage(artifacts, averageOf([digestFor(source)], "b"), weightsOf(24)));
  const stale = () => Promise.all([child, grandchild, bystander].map(async ({ digest }) => (await artifacts.get(digest)).stale));

  await rm(catalog.blobPath(digestOf(weightsOf(20))));
  await refusal(artifacts.download(digestOf(weightsOf(20))), Code.DATA_LOSS, "BLOB_CORRUPTED");
  assert.deepEqual(await stale(), [false, false, false]);
  const second = await artifacts.publish(await buildAverage(artifacts, recipe, weightsOf(21)));
  assert.notEqual(second.digest, first.digest);
  assert.deepEqual(await stale(), [true, true, false]);
  const { artifacts: walked } = await client.getLineage({ digest: grandchild.digest });
  assert.deepEqual(
    walked.map((artifact) => [artifact.stale, artifact.damaged]),
    [
      [true, false],
      [true, false],
      [false, true],
      [false, false],
    ],
  );

  // The second is lost in its turn, and somebody still has the first.
  await rm(catalog.blobPath(digestOf(weightsOf(21))));
  await refusal(artifacts.download(digestOf(weightsOf(21))), Code.DATA_LOSS, "BLOB_CORRUPTED");
  await artifacts.upload(weightsOf(20), { mediaType: mediaTypes.weights });
  assert.equal((await artifacts.publish(built)).digest, first.digest);
  assert.deepEqual(await stale(), [false, false, false]);
});

test("an ambiguous prefix is answered with the candidates", async () => {
  await using catalog = await startCatalog();
  const { artifacts, client } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  // Two digests with the same first eight digits cannot be found in a test; a row for one of them can be written.
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(catalog.directory.join("data", "catalog.sqlite"));
  const twin = `${digest.slice(0, -1)}${digest.endsWith("0") ? "1" : "0"}`;
  database
    .prepare("insert into artifact (digest, kind, manifest, recipe_key, size_bytes, touched_at) values (?, 'source', x'7b7d', ?, 0, 0)")
    .run(twin, digestOf("twin"));
  database.close();
  const name = { case: "digest", value: digest.slice(0, 16) } as const;
  const error = await refusal(client.getArtifact({ name }), Code.INVALID_ARGUMENT, "AMBIGUOUS_DIGEST");
  assert.ok(error.message.includes(digest) && error.message.includes(twin));
  assert.equal((await artifacts.get(digest)).digest, digest);
});
