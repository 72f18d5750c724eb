import assert from "node:assert/strict";
import { createCipheriv, createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { createArtifacts } from "#libs/artifacts";
import { buildModelManifest, type Digest, digestOf, mediaTypes } from "#libs/recipes";
import { Code, connect } from "#libs/rpc";
import { bytesSource, type TensorData, writeSafetensors } from "#libs/tensors";
import { startProxy, waitFor } from "#libs/testing";
import { averageOf, buildSource, type CatalogFixture, refusal, startCatalog } from "./testing/system.ts";

const MIB = 1 << 20;
const weights = { mediaType: mediaTypes.weights };

/** Bytes that no other seed has. */
function noise(seed: number, length: number): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", createHash("md5").update(String(seed)).digest(), new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(length)));
}

/** A model of a backbone, of which each layer has a seed, and a head. */
function modelOf(layers: readonly number[], head: number, classes = 10): Uint8Array {
  const tensors: TensorData[] = layers.flatMap((seed, i) => [
    { name: `layer${i}.weight`, dtype: "F32", shape: [600, 512], data: noise(seed, 4 * 600 * 512) },
    { name: `layer${i}.bias`, dtype: "F32", shape: [512], data: noise(seed + 0.5, 4 * 512) },
  ]);
  return writeSafetensors([...tensors, { name: "fc.weight", dtype: "F32", shape: [classes, 512], data: noise(head, 4 * classes * 512) }]);
}

const HEAD_BYTES = 4 * 10 * 512;
/** The chunk that a head is. */
const chunkOf = (head: number) => createHash("sha256").update(noise(head, HEAD_BYTES)).digest();

/** Publishes a model, and waits until its chunks are known. */
async function publishModel(catalog: CatalogFixture, layers: readonly number[], head: number): Promise<Digest> {
  const file = modelOf(layers, head);
  const source = await catalog.artifacts.publish(await buildSource(catalog.artifacts, file.length));
  const layer = await catalog.artifacts.upload(file, weights);
  const recipe = averageOf([source.digest as Digest], digestOf(file));
  await catalog.artifacts.publish(buildModelManifest({ recipe, licences: [], weights: layer, architecture: "mlp", parameterCount: 1 }));
  const chunks = [chunkOf(head)];
  await waitFor(async () => (await catalog.client.findMissing({ chunks })).chunks.length === 0, { what: "the chunks of the model" });
  return layer.digest;
}

/** A client of the catalog behind a proxy. */
async function behindProxy(catalog: CatalogFixture) {
  const stack = new AsyncDisposableStack();
  const proxy = stack.use(await startProxy(catalog.channel.address));
  const channel = stack.use(connect(proxy.address));
  return { proxy, artifacts: createArtifacts(channel), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("of a fine-tuning only what the catalog lacks is on its way: not frozen layers, wherever they lie; all of it costs 2 % more at most", async () => {
  await using catalog = await startCatalog();
  await using client = await behindProxy(catalog);
  const base = modelOf([1, 2, 3, 4], 5);
  await publishModel(catalog, [1, 2, 3, 4], 5);
  const layer = 4 * 600 * 512;
  // The header and biases, which are always sent, and the calls themselves.
  const SMALL_BYTES = 16 << 10;
  for (const [what, file, most] of [
    ["the head", modelOf([1, 2, 3, 4], 6), HEAD_BYTES],
    ["another head, of more classes", modelOf([1, 2, 3, 4], 7, 37), 3.7 * HEAD_BYTES],
    ["one layer", modelOf([1, 2, 8, 4], 5), layer],
    ["the order of tensors", modelOf([4, 3, 2, 1], 9), HEAD_BYTES],
    ["everything", modelOf([11, 12, 13, 14], 15), base.length],
    ["nothing", base, 0],
  ] as const) {
    const before = client.proxy.bytes;
    const { digest, size } = await client.artifacts.uploadFile(bytesSource(file), weights);
    const sent = client.proxy.bytes - before;
    assert.deepEqual([digest, size], [digestOf(file), file.length]);
    assert.ok(Buffer.from(await catalog.artifacts.download(digest)).equals(file));
    assert.ok(sent <= 1.02 * most + SMALL_BYTES, `${what}: ${sent} bytes for ${most}`);
  }
});

test("an upload that is cut anywhere goes on where it was, and ends with the right bytes", async () => {
  await using catalog = await startCatalog();
  await using client = await behindProxy(catalog);
  await publishModel(catalog, [1, 2, 3, 4], 5);
  const file = modelOf([1, 22, 3, 24], 25);
  let cuts = 0;
  let at = client.proxy.bytes + 100_000;
  const watching = setInterval(() => {
    if (cuts === 4 || client.proxy.bytes < at) return;
    cuts++;
    at = client.proxy.bytes + 300_000 + 111_111 * cuts;
    client.proxy.cut();
  }, 1);
  client.proxy.delayMs = 2;
  const { digest } = await client.artifacts.uploadFile(bytesSource(file), weights).finally(() => clearInterval(watching));
  assert.ok(cuts > 1, `${cuts} cuts`);
  assert.ok(Buffer.from(await catalog.artifacts.download(digest)).equals(file));
  assert.ok(client.proxy.bytes < 1.5 * file.length, `${client.proxy.bytes} bytes for ${file.length}`);
});

test("a chunk that was damaged on the way is refused and what came before it stays; one that is not there is asked for", async () => {
  await using catalog = await startCatalog();
  const file = noise(1, 3 * MIB);
  const digest = digestOf(file);
  const header = { part: { case: "header" as const, value: { digest, sizeBytes: BigInt(file.length), keep: true } } };
  const checked = (from: number, sum?: number) => {
    const data = file.subarray(from, from + MIB);
    return { part: { case: "checked" as const, value: { data, crc32: sum ?? crc32(data) } } };
  };
  const copy = { part: { case: "copy" as const, value: { sha256: noise(2, 32), sizeBytes: 10 } } };
  const send = (
    ...parts: Parameters<CatalogFixture["client"]["uploadBlob"]>[0] extends AsyncIterable<infer P> | Iterable<infer P> ? P[] : never
  ) =>
    catalog.client.uploadBlob(
      (async function* () {
        yield* parts;
      })(),
      { timeoutMs: 10_000 },
    );
  const damaged = await refusal(send(header, checked(0), checked(MIB, 7)), Code.INVALID_ARGUMENT, "CHUNK_DAMAGED");
  assert.deepEqual([damaged.violations[0]?.field, damaged.metadata["offset"]], ["checked.crc32", String(MIB)]);
  assert.equal((await catalog.client.getUpload({ digest })).receivedBytes, BigInt(MIB));
  const rest = { part: { case: "header" as const, value: { digest, sizeBytes: BigInt(file.length), keep: true, offset: BigInt(MIB) } } };
  await refusal(send(rest, checked(MIB), copy), Code.FAILED_PRECONDITION, "CHUNK_MISSING");
  assert.equal((await catalog.client.getUpload({ digest })).receivedBytes, BigInt(2 * MIB));
  // A digest that lies keeps nothing.
  const other = { part: { case: "header" as const, value: { ...rest.part.value, offset: BigInt(2 * MIB) } } };
  await refusal(send(other, checked(0)), Code.INVALID_ARGUMENT, "BLOB_MISMATCH");
  assert.equal((await catalog.client.getUpload({ digest })).receivedBytes, 0n);
  assert.equal((await catalog.artifacts.uploadFile(bytesSource(file), weights)).digest, digest);
  for (const [request, field] of [
    [{ blobs: ["x"], chunks: [] as Uint8Array[] }, "blobs[0]"],
    [{ blobs: [] as string[], chunks: [new Uint8Array(31)] }, "chunks[0]"],
    [{ blobs: Array.from({ length: 1001 }, () => digest as string), chunks: [] as Uint8Array[] }, "blobs"],
  ] satisfies [{ blobs: string[]; chunks: Uint8Array[] }, string][]) {
    const { violations } = await refusal(catalog.client.findMissing(request), Code.INVALID_ARGUMENT, "INVALID_FIELD");
    assert.equal(violations[0]?.field, field);
  }
});

test("chunks of a blob that was damaged or collected are sent instead of copied", async () => {
  await using catalog = await startCatalog();
  const base = await publishModel(catalog, [1, 2, 3, 4], 5);
  const bytes = await readFile(catalog.blobPath(base));
  for (let at = 0; at < bytes.length; at += 100_000) bytes[at]! ^= 1;
  await writeFile(catalog.blobPath(base), bytes);
  const file = modelOf([1, 2, 3, 4], 6);
  const { digest } = await catalog.artifacts.uploadFile(bytesSource(file), weights);
  assert.ok(Buffer.from(await catalog.artifacts.download(digest)).equals(file));

  const left = await publishModel(catalog, [31, 32], 33);
  catalog.clock.aheadMs = 3_600_000 * 2;
  const { blobs } = await catalog.client.collectGarbage({ minAgeSeconds: 60n });
  assert.ok(blobs.includes(left));
  assert.deepEqual((await catalog.client.findMissing({ blobs: [left], chunks: [chunkOf(33)] })).chunks, [0]);
});

test("several who upload one file at once all succeed", async () => {
  await using catalog = await startCatalog();
  await using client = await behindProxy(catalog);
  const file = modelOf([41, 42, 43, 44], 45);
  client.proxy.delayMs = 1;
  const uploads = [1, 2, 3].map(() => client.artifacts.uploadFile(bytesSource(file), weights));
  for (const { digest } of await Promise.all(uploads)) assert.equal(digest, digestOf(file));
  assert.ok(Buffer.from(await catalog.artifacts.download(digestOf(file))).equals(file));
});
