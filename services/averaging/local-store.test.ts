import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { type Digest, layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { waitFor } from "#libs/testing";
import { averageRecipe, startSystem, type TestSystem } from "./testing/system.ts";

const NUMBERS = 3 << 20;
const file = (x: number) => saveFloat32(new Map([["w", { shape: [NUMBERS], data: new Float32Array(NUMBERS).fill(x) }]]));

/** Bytes that this process has made dirty in files, sockets and pipes left out. */
async function writtenBytes(): Promise<number> {
  return Number(/^write_bytes: (\d+)$/m.exec(await readFile("/proc/self/io", "utf8"))?.[1]);
}

async function averageOf(system: TestSystem, values: readonly number[]) {
  const models: Digest[] = [];
  for (const x of values) models.push(await system.publishModel(file(x)));
  const before = await writtenBytes();
  const { artifact } = await system.average(averageRecipe(models));
  const written = (await writtenBytes()) - before;
  const weights = layerOf(readManifest(artifact.manifest), mediaTypes.weights);
  const numbers = new Float32Array((await system.artifacts.download(weights.digest)).buffer, weights.size - 4 * NUMBERS);
  return { models, weights, numbers, written };
}

test("an average of models whose blobs are files of this machine writes its result and nothing else, with the same bytes", async () => {
  await using local = await startSystem({ local: true });
  await using remote = await startSystem();
  const near = await averageOf(local, [1, 2, 6]);
  const far = await averageOf(remote, [1, 2, 6]);
  assert.ok(near.numbers.every((x) => x === 3));
  assert.equal(near.weights.digest, far.weights.digest);
  assert.ok(near.written >= near.weights.size, `${near.written} bytes written of ${near.weights.size}: this file system does not count`);
  assert.ok(near.written <= 1.2 * near.weights.size, `${near.written} bytes written for ${near.weights.size}`);
  assert.ok(far.written >= 4 * far.weights.size, `${far.written} bytes written: copies of three members, and of the result`);
  // Asked for and found meanwhile, a member is still the file that it was.
  const members = await Promise.all(near.models.map(async (model) => (await local.artifacts.get(model)).manifest));
  await local.catalog.findMissing({ blobs: members.map((manifest) => layerOf(readManifest(manifest), mediaTypes.weights).digest) });
  assert.ok(await local.average(averageRecipe(near.models.slice(0, 2))));
  const blobs = dirname(dirname(dirname(local.blobPath(near.weights.digest))));
  assert.deepEqual(await readdir(join(blobs, "incoming")), []);
  // No name is left that would keep the room of a blob which the catalog deletes.
  const scratch = join(dirname(dirname(blobs)), "averaging", "averages");
  await waitFor(async () => (await readdir(scratch)).length === 0, { what: "the names of members to go" });
});

test("a member that is damaged in the store is found before it is averaged", async () => {
  await using system = await startSystem({ local: true });
  const models = [await system.publishModel(file(1)), await system.publishModel(file(2))];
  const { manifest } = await system.artifacts.get(models[1]!);
  const path = system.blobPath(layerOf(readManifest(manifest), mediaTypes.weights).digest);
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  await assert.rejects(system.average(averageRecipe(models)), (error: { code?: Code; reason?: string }) =>
    ["ARTIFACT_DAMAGED", "BLOB_CORRUPTED"].includes(error.reason ?? ""),
  );
});

test("a file is taken only by the name of one that was given, and whole", async () => {
  await using system = await startSystem({ local: true });
  const send = (header: object) =>
    system.catalog.uploadBlob(
      (async function* () {
        yield { part: { case: "header" as const, value: header } };
      })(),
      { timeoutMs: 10_000 },
    );
  const digest = `sha256:${"0".repeat(64)}`;
  const givenFile = "00000000-0000-0000-0000-000000000000.given";
  for (const [header, field] of [
    [{ digest, givenFile: "../../catalog.sqlite" }, "header.given_file"],
    [{ digest, givenFile }, "header.given_file"],
    [{ digest, givenFile, keep: true }, "header.given_file"],
    [{ givenFile }, "header.digest"],
  ] as const)
    await assert.rejects(send(header), (error: { code?: Code; violations?: { field: string }[] }) => {
      assert.deepEqual([error.code, error.violations?.[0]?.field], [Code.INVALID_ARGUMENT, field]);
      return true;
    });
  const given = join(dirname(dirname(dirname(system.blobPath(digest)))), "incoming", givenFile);
  await writeFile(given, "abc");
  await assert.rejects(send({ digest, givenFile }), { reason: "BLOB_MISMATCH" });
  await assert.rejects(readFile(given), { code: "ENOENT" });
});
