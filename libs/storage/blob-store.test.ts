import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { BlobMissingError, CorruptBlobError, DigestMismatchError, openBlobStore } from "./index.ts";

async function openStore() {
  const directory = await mkdtemp(join(tmpdir(), "blobs-"));
  const store = await openBlobStore(directory);
  return { directory, store, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

function bytesOf(length: number): Buffer {
  return Buffer.from(Array.from({ length: Math.min(length, 65_521) }, (_, index) => (index * 31 + 7) % 251)).subarray(0, length);
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}` as const;

test("any chunking of the same bytes gives the same blob", async () => {
  await using fixture = await openStore();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }), async (chunks) => {
      const whole = Buffer.concat(chunks);
      const stored = await fixture.store.put(chunks);
      assert.deepEqual([stored.digest, stored.size], [digestOf(whole), whole.length]);
      assert.deepEqual(await collect(fixture.store.read(stored.digest)), whole);
      assert.equal((await fixture.store.put([whole])).existed, true);
    }),
    { numRuns: 40 },
  );
});

test("a range is the slice", async () => {
  await using fixture = await openStore();
  const whole = Buffer.concat(Array.from({ length: 40 }, () => bytesOf(65_521)));
  const { digest } = await fixture.store.put([whole]);
  const position = fc.integer({ min: 0, max: whole.length });
  await fc.assert(
    fc.asyncProperty(position, fc.option(fc.integer({ min: 0, max: whole.length + 5 }), { nil: undefined }), async (offset, length) => {
      const chunks = await Array.fromAsync(fixture.store.read(digest, { offset, length }));
      assert.ok(chunks.every((chunk) => chunk.byteLength > 0 && chunk.byteLength <= 1 << 20));
      assert.ok(Buffer.concat(chunks).equals(whole.subarray(offset, length === undefined ? undefined : offset + length)));
    }),
    { numRuns: 30 },
  );
  await assert.rejects(collect(fixture.store.read(digest, { offset: whole.length + 1 })), RangeError);
  await assert.rejects(collect(fixture.store.read(digest, { offset: -1 })), RangeError);
});

test("blobs lie in sharded folders and are listed, deleted and missed", async () => {
  await using fixture = await openStore();
  const digests = await Promise.all([1, 2, 3, 4, 5].map(async (length) => (await fixture.store.put([bytesOf(length)])).digest));
  const [first] = digests as [(typeof digests)[number], ...typeof digests];
  assert.equal(fixture.store.path(first), join(fixture.directory, "sha256", first.slice(7, 9), first.slice(7)));
  const listed = await Array.fromAsync(fixture.store.list());
  assert.deepEqual(
    listed.map(({ digest }) => digest),
    [...digests].sort(),
  );
  assert.deepEqual(listed.map(({ size }) => size).sort(), [1, 2, 3, 4, 5]);
  assert.ok(listed.every(({ modifiedMs }) => Math.abs(modifiedMs - Date.now()) < 60_000));

  assert.equal(await fixture.store.delete(first, { notAfterMs: Date.now() - 60_000 }), false, "it is younger");
  assert.equal(await fixture.store.delete(first), true);
  assert.equal(await fixture.store.delete(first), false);
  assert.equal(await fixture.store.stat(first), undefined);
  await assert.rejects(collect(fixture.store.read(first)), (error) => error instanceof BlobMissingError && error.digest === first);
  assert.throws(() => fixture.store.path("sha256:../../etc/passwd"), SyntaxError);
});

test("what is not the announced blob is refused and leaves nothing", async () => {
  await using fixture = await openStore();
  const { store } = fixture;
  const other = digestOf(bytesOf(11));
  await assert.rejects(
    store.put([bytesOf(10)], { digest: other }),
    (error) => error instanceof DigestMismatchError && error.field === "digest",
  );
  await assert.rejects(store.put([bytesOf(10)], { size: 9 }), (error) => error instanceof DigestMismatchError && error.field === "size");
  await assert.rejects(store.put([bytesOf(10)], { size: 11 }), DigestMismatchError);
  await assert.rejects(store.put([bytesOf(10)], { digest: "sha256:abc" }), SyntaxError);
  async function* failing() {
    yield bytesOf(10);
    throw new Error("the sender went away");
  }
  await assert.rejects(store.put(failing()), /the sender went away/);
  const controller = new AbortController();
  async function* aborted() {
    yield bytesOf(10);
    controller.abort(new Error("enough"));
    yield bytesOf(10);
  }
  await assert.rejects(store.put(aborted(), { signal: controller.signal }), /enough/);
  assert.deepEqual(await Array.fromAsync(store.list()), []);
  assert.deepEqual(await readdir(join(fixture.directory, "incoming")), []);
  assert.equal((await store.put([bytesOf(10)], { digest: digestOf(bytesOf(10)), size: 10 })).existed, false);
});

test("a corrupted blob is found before its last chunk, set aside, and healed by putting it again", async () => {
  await using fixture = await openStore();
  const { store } = fixture;
  const whole = Buffer.concat(Array.from({ length: 40 }, () => bytesOf(65_521)));
  const { digest } = await store.put([whole]);
  const file = await open(store.path(digest), "r+");
  await file.write(Buffer.from([255]), 0, 1, 17);
  await file.close();

  let received = 0;
  await assert.rejects(
    async () => {
      for await (const chunk of store.read(digest)) received += chunk.byteLength;
    },
    (error) => error instanceof CorruptBlobError && error.digest === digest && error.message.includes(digest),
  );
  assert.ok(received < whole.length);

  await store.setAside(digest);
  await store.setAside(digest);
  assert.equal(await store.stat(digest), undefined);
  assert.equal((await readdir(join(fixture.directory, "corrupt"))).length, 1);
  assert.equal((await store.put([whole])).existed, false);
  assert.ok((await collect(store.read(digest))).equals(whole));
});

test("putting a blob again heals a copy that nobody noticed to be corrupted", async () => {
  await using fixture = await openStore();
  const { digest } = await fixture.store.put([bytesOf(100)]);
  await writeFile(fixture.store.path(digest), "rotten");
  assert.equal((await fixture.store.put([bytesOf(100)])).existed, true);
  assert.deepEqual(await readFile(fixture.store.path(digest)), bytesOf(100));
});

test("opening removes what was left half-written, whoever wrote it", async () => {
  await using fixture = await openStore();
  const incoming = join(fixture.directory, "incoming");
  // The second name is that of an earlier version, with the id of a process that lives.
  for (const name of ["half.part", `${process.ppid}-00000000-1.part`, "what"]) await writeFile(join(incoming, name), "half");
  await openBlobStore(fixture.directory);
  assert.deepEqual(await readdir(incoming), []);
  assert.ok(existsSync(join(fixture.directory, "corrupt")));
});

test("concurrent puts of one blob and of many all succeed", async () => {
  await using fixture = await openStore();
  const results = await Promise.all(Array.from({ length: 24 }, (_, index) => fixture.store.put([bytesOf(1000 + (index % 3))])));
  assert.equal(new Set(results.map(({ digest }) => digest)).size, 3);
  assert.equal(results.filter(({ existed }) => !existed).length, 3);
});

test("an upload that broke goes on where it was, from whoever sends the rest", async () => {
  await using fixture = await openStore();
  const whole = Buffer.concat(Array.from({ length: 5 }, () => bytesOf(65_521)));
  const digest = digestOf(whole);
  async function* broken(from: number, to: number) {
    yield whole.subarray(from, to);
    throw new Error("the connection broke");
  }
  await assert.rejects(fixture.store.put(broken(0, 100_000), { digest, from: 0 }), /the connection broke/);
  assert.equal(await fixture.store.received(digest), 100_000);
  await assert.rejects(fixture.store.put([whole], { digest, from: 100_001 }), { name: "UploadMovedError", received: 100_000 });
  // What was sent twice counts once, and another process goes on too.
  const again = await openBlobStore(fixture.directory);
  await assert.rejects(again.put(broken(90_000, 200_000), { digest, from: 90_000 }), /the connection broke/);
  assert.equal(await again.received(digest), 200_000);
  assert.equal((await again.put([whole.subarray(200_000)], { digest, size: whole.length, from: 200_000 })).size, whole.length);
  assert.ok((await collect(again.read(digest))).equals(whole));
  assert.equal(await again.received(digest), 0);
});

test("an upload that goes on takes the place of one that stands still; other bytes than announced are not kept", async () => {
  await using fixture = await openStore();
  const store = await openBlobStore(fixture.directory, { takeOverMs: 30 });
  const whole = bytesOf(1000);
  const digest = digestOf(whole);
  const sent = Promise.withResolvers<void>();
  async function* silent() {
    yield whole.subarray(0, 400);
    sent.resolve();
    await new Promise(() => undefined);
  }
  const ended = assert.rejects(store.put(silent(), { digest, from: 0 }), { name: "UploadTakenOverError" });
  await sent.promise;
  assert.equal((await store.put([whole.subarray(400)], { digest, from: 400 })).size, 1000);
  await ended;
  await assert.rejects(store.put([Buffer.from("other")], { digest, from: 0 }), DigestMismatchError);
  assert.equal(await store.received(digest), 0);
  assert.ok((await collect(store.read(digest))).equals(whole));
});

test("uploads of one blob at once wait for each other: the others read nothing where one ends well, and go on where it breaks", async () => {
  await using fixture = await openStore();
  const { store } = fixture;
  const whole = bytesOf(1000);
  const digest = digestOf(whole);
  for (const breaks of [false, true]) {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    async function* first() {
      yield whole.subarray(0, 400);
      begun.resolve();
      await goOn.promise;
      if (breaks) throw new Error("the connection broke");
      yield whole.subarray(400);
    }
    let read = 0;
    async function* later() {
      read++;
      yield whole;
    }
    const one = store.put(first(), { digest, from: 0 }).then(
      () => "well",
      () => "broken",
    );
    await begun.promise;
    const stop = new AbortController();
    const others = [1, 2].map(() => store.put(later(), { digest, from: 0, signal: stop.signal }));
    const leaves = new AbortController();
    const leaving = assert.rejects(store.put(later(), { digest, from: 0, signal: leaves.signal }), /no time/);
    leaves.abort(new Error("no time"));
    await leaving;
    goOn.resolve();
    assert.equal(await one, breaks ? "broken" : "well");
    assert.deepEqual(
      (await Promise.all(others)).map(({ size }) => size),
      [1000, 1000],
    );
    assert.equal(read, breaks ? 1 : 0);
    assert.ok((await collect(store.read(digest))).equals(whole));
    assert.equal(await store.received(digest), 0);
    await store.delete(digest);
  }
});

test("a blob that is touched is young again", async () => {
  await using fixture = await openStore();
  const { digest } = await fixture.store.put([bytesOf(100)]);
  await utimes(fixture.store.path(digest), 1, 1);
  assert.equal(await fixture.store.touch(digest), true);
  assert.equal(await fixture.store.delete(digest, { notAfterMs: 2000 }), false);
  assert.equal((await stat(fixture.store.path(digest))).mtimeMs, 1000);
  assert.equal(await fixture.store.touch(digestOf(bytesOf(101))), false);
});
