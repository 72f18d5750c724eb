import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Artifacts } from "#libs/artifacts";
import { type Descriptor, mediaTypes } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { openScratch } from "./scratch.ts";
import { startSystem } from "./testing/system.ts";

const never = new AbortController().signal;
const LENGTH = 1 << 19;
const file = (x: number) => saveFloat32(new Map([["w", { shape: [LENGTH], data: new Float32Array(LENGTH).fill(x) }]]));

/** A catalog with some files, which counts how often their bytes are asked for. */
async function catalogOf(artifacts: Artifacts, count: number) {
  const blobs: Descriptor[] = [];
  for (let x = 0; x < count; x++) blobs.push(await artifacts.upload(file(x), { mediaType: mediaTypes.weights }));
  const asked: string[] = [];
  const counting: Artifacts = {
    ...artifacts,
    stream(digest, options) {
      asked.push(digest);
      return artifacts.stream(digest, options);
    },
  };
  return { blobs, asked, artifacts: counting };
}

test("a blob is fetched once for all who want it at the same time, and kept for the next", async () => {
  await using system = await startSystem();
  await using directory = await temporaryDirectory();
  const { blobs, asked, artifacts } = await catalogOf(system.artifacts, 1);
  await using scratch = await openScratch(directory.join("s"), { artifacts, limitBytes: 2 ** 30 });
  using files = new DisposableStack();
  for (const fetched of await Promise.all([1, 2, 3].map(() => scratch.fetch(blobs[0]!, never)))) files.use(fetched);
  const first = files.use(await scratch.fetch(blobs[0]!, never));
  assert.equal((await first.open()).tensors.get("w")?.shape[0], LENGTH);
  assert.equal(asked.length, 1);
});

test("who goes does not take a file away that others wait for; when all have gone, the fetch ends and leaves nothing", async () => {
  await using system = await startSystem();
  await using directory = await temporaryDirectory();
  const { blobs, asked, artifacts } = await catalogOf(system.artifacts, 2);
  await using scratch = await openScratch(directory.join("s"), { artifacts, limitBytes: 2 ** 30 });
  const gone = new AbortController();
  const waiting = scratch.fetch(blobs[0]!, never);
  const leaving = scratch.fetch(blobs[0]!, gone.signal);
  const alone = scratch.fetch(blobs[1]!, gone.signal);
  gone.abort(new Error("gone"));
  await assert.rejects(leaving, /gone/);
  await assert.rejects(alone, /gone/);
  using fetched = await waiting;
  assert.ok(await fetched.open());
  assert.equal(asked.filter((digest) => digest === blobs[0]!.digest).length, 1);
  await waitFor(async () => (await readdir(directory.join("s"))).length === 1, { what: "the other file to go" });
});

test("files that nobody uses make room, in the order of their last use; those in use do not", async () => {
  await using system = await startSystem();
  await using directory = await temporaryDirectory();
  const { blobs, asked, artifacts } = await catalogOf(system.artifacts, 3);
  const [a, b, c] = blobs as [Descriptor, Descriptor, Descriptor];
  await using scratch = await openScratch(directory.join("s"), { artifacts, limitBytes: 2 * a.size });
  for (const blob of [a, b, a]) (await scratch.fetch(blob, never))[Symbol.dispose]();
  using held = await scratch.fetch(c, never);
  (await scratch.fetch(a, never))[Symbol.dispose]();
  assert.deepEqual(asked, [a.digest, b.digest, c.digest]);
  using other = await scratch.fetch(b, never);
  assert.ok((await held.open()) && (await other.open()));
  await assert.rejects(scratch.fetch(a, never), { code: Code.RESOURCE_EXHAUSTED, reason: "SCRATCH_FULL" });
});

test("what an earlier process has left is removed", async () => {
  await using system = await startSystem();
  await using directory = await temporaryDirectory();
  await mkdir(directory.join("s"));
  await writeFile(directory.join("s", "left.safetensors"), "");
  {
    await using _ = await openScratch(directory.join("s"), { artifacts: system.artifacts, limitBytes: 1 });
    assert.deepEqual(await readdir(directory.join("s")), []);
  }
});
