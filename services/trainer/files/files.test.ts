import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Digest, digestOf } from "#libs/recipes";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { type BlobFiles, CacheFullError, openBlobFiles } from "./blob-files.ts";
import { openDataRoot } from "./data-root.ts";

const { signal } = new AbortController();

/** Blobs of 100 bytes in memory, where how often each was asked for is counted. */
function blobs(...texts: readonly string[]) {
  const contents = new Map<string, Uint8Array>(texts.map((text) => [text, new TextEncoder().encode(text.padEnd(100))]));
  const byDigest = new Map([...contents.values()].map((bytes) => [digestOf(bytes) as string, bytes]));
  const asked: string[] = [];
  return {
    asked,
    name: (text: string) => ({ digest: digestOf(contents.get(text)!), bytes: 100 }),
    async *stream(digest: string) {
      const bytes = byDigest.get(digest) ?? assert.fail(`no blob ${digest}`);
      asked.push(new TextDecoder().decode(bytes).trim());
      yield bytes.subarray(0, 60);
      yield bytes.subarray(60);
    },
  };
}

const open = (source: ReturnType<typeof blobs>, directory: TemporaryDirectory, most = 250): BlobFiles =>
  openBlobFiles({ artifacts: source, directory: directory.join("cache"), most });
const cached = async (directory: TemporaryDirectory) => (await readdir(directory.join("cache"))).sort();
const hex = ({ digest }: { readonly digest: Digest }) => digest.slice("sha256:".length);

test("a blob comes once, also for two who want it at the same time", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a");
  const files = open(source, directory);
  const held = await Promise.all([1, 2, 3].map(() => files.hold(source.name("a"), signal)));
  assert.deepEqual(source.asked, ["a"]);
  assert.equal((await readFile(held[0]!.path, "utf8")).trim(), "a");
  assert.equal(new Set(held.map(({ path }) => path)).size, 1);
});

test("what was used longest ago and nobody holds goes to make room", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a", "b", "c");
  const files = open(source, directory);
  const a = await files.hold(source.name("a"), signal);
  (await files.hold(source.name("b"), signal))[Symbol.dispose]();
  a[Symbol.dispose]();
  a[Symbol.dispose]();
  (await files.hold(source.name("a"), signal))[Symbol.dispose]();
  using _c = await files.hold(source.name("c"), signal);
  assert.deepEqual(await cached(directory), [hex(source.name("a")), hex(source.name("c"))].sort());
  using _a = await files.hold(source.name("a"), signal);
  await assert.rejects(files.hold(source.name("b"), signal), (error) => {
    assert.ok(error instanceof CacheFullError);
    const said = /need more than the 250 B that this trainer keeps on its disk: 200 B are in use and 100 B come to them; --disk-cache says/;
    assert.match(error.message, said);
    return true;
  });
  assert.deepEqual(source.asked, ["a", "b", "c"]);
});

test("blobs that come at the same time have room together, or are refused", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a", "b", "c");
  const files = open(source, directory);
  const held = await Promise.allSettled(["a", "b", "c"].map((text) => files.hold(source.name(text), signal)));
  assert.deepEqual(
    held.map((one) => (one.status === "fulfilled" ? "held" : one.reason.name)),
    ["held", "held", "CacheFullError"],
  );
  assert.equal((await cached(directory)).length, 2);
  assert.deepEqual(source.asked.sort(), ["a", "b"]);
});

test("who is asked to stop while a file is looked at leaves it there, and counted", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a", "b");
  await open(source, directory).hold(source.name("a"), signal);
  const files = open(source, directory, 150);
  const stop = new AbortController();
  const stopped = files.hold(source.name("a"), stop.signal);
  stop.abort();
  await assert.rejects(stopped, { name: "AbortError" });
  using _b = await files.hold(source.name("b"), signal);
  assert.deepEqual(await cached(directory), [hex(source.name("b"))]);
});

test("what an earlier process left is looked at, and used where it is whole", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a", "b");
  const first = open(source, directory);
  for (const text of ["a", "b"]) await first.hold(source.name(text), signal);
  await writeFile(directory.join("cache", hex(source.name("b"))), "x".repeat(100));
  await writeFile(directory.join("cache", `.${hex(source.name("b"))}.0123456789abcdef.partial`), "half");
  const second = open(source, directory);
  for (const text of ["a", "b", "a"]) (await second.hold(source.name(text), signal))[Symbol.dispose]();
  assert.deepEqual(source.asked, ["a", "b", "b"]);
  assert.deepEqual(await cached(directory), [hex(source.name("a")), hex(source.name("b"))].sort());
});

test("a transfer that breaks leaves nothing, and the next one starts anew", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a");
  let broken = true;
  const stream = async function* (digest: string) {
    for await (const piece of source.stream(digest)) {
      yield piece;
      if (broken) throw new Error("cut");
    }
  };
  const files = openBlobFiles({ artifacts: { stream }, directory: directory.join("cache"), most: 100 });
  await assert.rejects(files.hold(source.name("a"), signal), /cut/);
  assert.deepEqual(await cached(directory), []);
  broken = false;
  using held = await files.hold(source.name("a"), signal);
  assert.equal((await readFile(held.path)).length, 100);
});

test("many files of one size are found by whoever wants them at once", async () => {
  await using directory = await temporaryDirectory();
  const texts = Array.from({ length: 30 }, (_, i) => String(i));
  const source = blobs(...texts);
  for (const text of texts) await writeFile(directory.join(`file-${text}`), text.padEnd(100));
  const root = openDataRoot(directory.path);
  const found = await Promise.all(texts.map((text) => root.find(source.name(text).digest, 100, signal)));
  assert.deepEqual(
    found,
    texts.map((text) => directory.join(`file-${text}`)),
  );
});

test("files of a data root are found by their bytes, whatever they are called, and only where those are right", async () => {
  await using directory = await temporaryDirectory();
  const source = blobs("a", "b", "c");
  const root = directory.join("root");
  assert.equal(await openDataRoot(root).find(source.name("a").digest, 100, signal), undefined);
  await mkdir(directory.join("root", "deep"), { recursive: true });
  const content = (text: string) => text.padEnd(100);
  await writeFile(directory.join("root", "deep", "shard-7.tar"), content("a"));
  await writeFile(directory.join("root", hex(source.name("b"))), content("not b"));
  const files = openBlobFiles({ artifacts: source, directory: directory.join("cache"), most: 250, dataRoot: openDataRoot(root) });
  using a = await files.hold(source.name("a"), signal);
  assert.equal(a.path, directory.join("root", "deep", "shard-7.tar"));
  using _b = await files.hold(source.name("b"), signal);
  assert.deepEqual(source.asked, ["b"]);
  // What comes later is found, and what is changed is not used any more.
  await writeFile(directory.join("root", "late"), content("c"));
  using c = await files.hold(source.name("c"), signal);
  assert.equal(c.path, directory.join("root", "late"));
  await writeFile(directory.join("root", "other"), content("other"));
  await rename(directory.join("root", "other"), a.path);
  using again = await files.hold(source.name("a"), signal);
  assert.notEqual(again.path, a.path);
  assert.deepEqual(source.asked, ["b", "a"]);
});
