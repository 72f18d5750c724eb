import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { LockedError, lockFile } from "./index.ts";
import { startChild } from "./testing/start-child.ts";

const isRoot = process.getuid?.() === 0;

test("a lock has one holder at a time, and leaves nothing", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("lock");
  {
    using lock = await lockFile(path);
    assert.equal(lock.path, path);
    await assert.rejects(lockFile(path, { patienceMs: 0 }), (error) => error instanceof LockedError && error.path === path);
  }
  assert.deepEqual(await readdir(directory.path), []);
  using _again = await lockFile(path, { patienceMs: 0 });
});

test("a lock that is let go twice stays its next holder's", async () => {
  await using directory = await temporaryDirectory();
  const first = await lockFile(directory.join("lock"));
  first[Symbol.dispose]();
  using _second = await lockFile(directory.join("lock"));
  first[Symbol.dispose]();
  await assert.rejects(lockFile(directory.join("lock"), { patienceMs: 0 }), LockedError);
});

test("the lock of a process that is killed is free; its file is taken over", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("lock");
  await using holder = startChild(["hold", path]);
  await holder.line("held");
  await assert.rejects(lockFile(path, { patienceMs: 0 }), LockedError);
  await holder.kill("SIGKILL");
  assert.deepEqual(await readdir(directory.path), ["lock"]);
  {
    using _ = await lockFile(path);
  }
  assert.deepEqual(await readdir(directory.path), []);
});

test("of many processes that take a lock and remove it, one at a time has it", async () => {
  await using directory = await temporaryDirectory();
  const [path, counter] = [directory.join("lock"), directory.join("counter")];
  await writeFile(counter, "0");
  const children = Array.from({ length: 5 }, () => startChild(["count", path, counter, "80"]));
  for (const child of children) await child.line("counted", 60_000);
  for (const child of children) assert.equal(await child.ended, 0);
  assert.equal(await readFile(counter, "utf8"), "400");
});

test("a lock holds between containers, in which processes have the same numbers", {
  skip: !isRoot && "only root can make a namespace of processes",
}, async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("lock");
  const apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
  await using first = startChild(["hold", path], apart);
  await first.line("held");
  await using second = startChild(["hold", path], apart);
  await second.line("another process holds");
  await first.kill();
  using _ = await lockFile(path);
});

test("a lock that cannot be made is one clear error", async () => {
  await using directory = await temporaryDirectory();
  await assert.rejects(lockFile(directory.join("missing", "lock")), { name: "NotWritableError", message: /it cannot be locked/ });
  await writeFile(
    directory.join("text"),
    "this is not a lock, and it is longer than the header of a database is: 100 bytes, at least so much",
  );
  await assert.rejects(lockFile(directory.join("text")), { name: "NotWritableError" });
});
