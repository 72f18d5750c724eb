import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type BlobStore, openBlobStore, openDatabase } from "#libs/storage";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory } from "#libs/testing";
import { createBlobs } from "./blobs.ts";
import { CatalogError } from "./errors.ts";
import { migrations } from "./store/migrations.ts";
import type { CatalogTables } from "./store/tables.ts";

const signal = new AbortController().signal;
const content = (value: number) => new Uint8Array(3 << 20).fill(value);

/** Blobs over a real store; `watch` sees what is asked of the store, before it is done. */
async function openBlobs(watch: Partial<{ read(): void; setAside(store: BlobStore): Promise<unknown> }>) {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("blobs-"));
  const store = await openBlobStore(directory.join("blobs"));
  const database = stack.use(await openDatabase<CatalogTables>({ path: directory.join("catalog.sqlite"), migrations }));
  const watched: BlobStore = {
    ...store,
    read(...request) {
      watch.read?.();
      return store.read(...request);
    },
    async setAside(...request) {
      await watch.setAside?.(store);
      return store.setAside(...request);
    },
  };
  const log = createLogger({ service: "catalog", destination: directory.join("log") });
  return { blobs: createBlobs({ store: watched, database, log }), store, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("ranges that are read at the same time verify their blob once", async () => {
  let reads = 0;
  await using opened = await openBlobs({ read: () => void reads++ });
  const { digest } = await opened.store.put([content(1)]);
  const ranges = Array.from({ length: 8 }, (_, i) => Array.fromAsync(opened.blobs.read(digest, { offset: i, length: 1024, signal })));
  for (const range of await Promise.all(ranges)) assert.equal(Buffer.concat(range).length, 1024);
  assert.equal(reads, 8 + 1);

  // One who leaves does not take the verification from the others.
  const { digest: other } = await opened.store.put([content(2)]);
  const leaver = new AbortController();
  const left = Array.fromAsync(opened.blobs.read(other, { offset: 1, length: 1, signal: leaver.signal }));
  const stays = Array.fromAsync(opened.blobs.read(other, { offset: 1, length: 1, signal }));
  leaver.abort(new Error("no time"));
  await assert.rejects(left, /no time/);
  assert.deepEqual(Buffer.concat(await stays), Buffer.from([2]));
});

test("all who read a damaged blob at the same time hear of it", async () => {
  await using opened = await openBlobs({});
  const { digest } = await opened.store.put([content(1)]);
  await writeFile(opened.store.path(digest), content(3));
  const reads = await Promise.allSettled(
    Array.from({ length: 4 }, () => Array.fromAsync(opened.blobs.read(digest, { offset: 1, length: 1, signal }))),
  );
  for (const read of reads) assert.ok(read.status === "rejected" && read.reason instanceof CatalogError);
  assert.equal(await opened.store.stat(digest), undefined);
});

test("a fresh copy that arrives while a damaged blob is set aside stays", async () => {
  let moved = false;
  await using opened = await openBlobs({
    async setAside(store) {
      moved = true;
      await store.put([content(1)]);
    },
  });
  const { digest } = await opened.store.put([content(1)]);
  await writeFile(opened.store.path(digest), content(3));
  await assert.rejects(Array.fromAsync(opened.blobs.read(digest, { offset: 0, signal })), CatalogError);
  assert.ok(moved);
  assert.equal(Buffer.concat(await Array.fromAsync(opened.blobs.read(digest, { offset: 0, signal }))).length, 3 << 20);
});
