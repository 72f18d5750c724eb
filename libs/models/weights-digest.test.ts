import assert from "node:assert/strict";
import { appendFile, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { canonicalJson, digestOf } from "#libs/recipes";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { openDigestCache, openModel, provisionalDigest, weightsDigest } from "./index.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

/** Writes a model of one number, as if it had been written a minute ago. */
async function write(name: string, value: number): Promise<{ path: string; bytes: Uint8Array }> {
  const path = directory.join(name);
  const bytes = writeSafetensors([{ name: "a", dtype: "F32", shape: [1], data: new Uint8Array(new Float32Array([value]).buffer) }]);
  await writeFile(path, bytes);
  const past = Date.now() / 1000 - 60;
  await utimes(path, past, past);
  return { path, bytes };
}

test("one file: the sha-256 of its bytes; several: that of the list of their names and digests", async () => {
  const one = await write("one.safetensors", 1);
  const two = await write("two.safetensors", 2);
  const [a, b] = [await openModel(one.path), await openModel(two.path)];
  assert.equal(await weightsDigest(a), digestOf(one.bytes));
  const list = [
    ["one.safetensors", digestOf(one.bytes)],
    ["two.safetensors", digestOf(two.bytes)],
  ];
  assert.equal(await weightsDigest({ files: [...a.files, ...b.files] }), digestOf(canonicalJson(list)));
});

test("what stands for a digest changes with the file, also where its size stays and its time is set back", async () => {
  const { path, bytes } = await write("changing.safetensors", 1);
  const before = await provisionalDigest(await openModel(path));
  assert.equal(await provisionalDigest(await openModel(path)), before);
  const { mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  // Until the clock of the file system has moved: by up to ten milliseconds, on Deno by a second.
  await waitFor(async () => {
    await write("changing.safetensors", 2);
    return (await stat(path, { bigint: true })).ctimeNs !== ctimeNs;
  });
  assert.equal((await readFile(path)).length, bytes.length);
  await utimes(path, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9);
  assert.notEqual(await provisionalDigest(await openModel(path)), before);
  await rm(path);
  await assert.rejects(provisionalDigest({ files: [{ path, size: 1, identity: { device: 1n, inode: 1n, mtimeNs: 1n } } as never] }), {
    kind: "missing",
  });
});

test("a digest is remembered until the file changes, also by other processes; a young file is read again", async () => {
  const path = directory.join("cache", "digests");
  const { path: file, bytes } = await write("cached.safetensors", 1);
  const reads = async () => {
    let read = 0;
    const digest = await weightsDigest(await openModel(file), {
      cache: openDigestCache(path),
      onRead: (count) => {
        read += count;
      },
    });
    return [digest, read];
  };
  assert.deepEqual(await reads(), [digestOf(bytes), bytes.length]);
  assert.deepEqual(await reads(), [digestOf(bytes), 0]);
  const changed = writeSafetensors([{ name: "a", dtype: "F32", shape: [1], data: new Uint8Array(new Float32Array([2]).buffer) }]);
  await writeFile(file, changed);
  assert.deepEqual(await reads(), [digestOf(changed), bytes.length]);
  assert.deepEqual(await reads(), [digestOf(changed), bytes.length], "it changed just now: its time says too little");
});

test("a cache with broken lines, or one that cannot be written, costs only time", async () => {
  const path = directory.join("broken");
  const { path: file, bytes } = await write("other.safetensors", 3);
  await writeFile(path, "nonsense\n1 2 3 4 sha256:12\nhalf a li");
  const model = await openModel(file);
  assert.equal(await weightsDigest(model, { cache: openDigestCache(path) }), digestOf(bytes));
  assert.match(await readFile(path, "utf8"), /sha256:[0-9a-f]{64}\n$/);
  assert.equal(await weightsDigest(model, { cache: openDigestCache(`${file}/not-a-folder/digests`) }), digestOf(bytes));
});

test("a file that is no longer the one that was opened is refused", async () => {
  const { path } = await write("changed.safetensors", 1);
  const model = await openModel(path);
  await appendFile(path, "more");
  await assert.rejects(weightsDigest(model), { name: "ModelError", message: `${path} was changed while it was read` });
});
