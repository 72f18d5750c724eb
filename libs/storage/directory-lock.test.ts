import assert from "node:assert/strict";
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { DirectoryLockedError, DirectoryNotUsableError, lockDirectory } from "./index.ts";

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "lock-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test("a directory has one holder at a time, who says who it is", async () => {
  await using directory = await folder();
  const path = join(directory.path, "new", "data");
  {
    await using lock = await lockDirectory(path, { version: "1.2.3" });
    await assert.rejects(lockDirectory(path), (error) => {
      assert.ok(error instanceof DirectoryLockedError);
      assert.deepEqual([error.pid, error.version, error.address], [process.pid, "1.2.3", undefined]);
      assert.ok(error.message.includes(path) && error.message.includes(String(process.pid)));
      return true;
    });
    await lock.publish({ address: "127.0.0.1:4000" });
    await assert.rejects(lockDirectory(path), { name: "DirectoryLockedError", address: "127.0.0.1:4000", version: "1.2.3" });
    const owner = JSON.parse(await readFile(join(path, "lock.json"), "utf8"));
    assert.deepEqual(Object.keys(owner).sort(), ["address", "command", "pid", "version"]);
  }
  await using again = await lockDirectory(path);
  await again[Symbol.asyncDispose]();
  await using _third = await lockDirectory(path);
});

test("a new directory and what stands beside the lock are for this user alone; the way in is told, but no argument and no log has it", async () => {
  await using directory = await folder();
  const path = join(directory.path, "new");
  const secret = "s3cret-of-the-door";
  await using lock = await lockDirectory(path, { command: "ratatouille up" });
  await lock.publish({ entrance: { address: "127.0.0.1:4000", token: secret } });
  const modes = [path, join(path, "lock.json")].map(async (file) => (await stat(file)).mode & 0o777);
  assert.deepEqual(await Promise.all(modes), [0o700, 0o600]);
  const error = await lockDirectory(path).catch((error: unknown) => error);
  assert.ok(error instanceof DirectoryLockedError);
  assert.equal(error.message, `the data directory ${path} is in use by process ${process.pid} (ratatouille up)`);
  assert.deepEqual(error.entrance, { address: "127.0.0.1:4000", token: secret });
  assert.ok(![inspect(error, { depth: 9 }), JSON.stringify(error)].some((text) => text.includes(secret)));
});

test("a holder that says nothing of itself is known by its script, without arguments", async () => {
  await using directory = await folder();
  await using _lock = await lockDirectory(directory.path);
  const { command } = JSON.parse(await readFile(join(directory.path, "lock.json"), "utf8"));
  assert.equal(command, basename(process.argv[1] ?? ""));
});

test("of many who ask at once one gets the directory", async () => {
  await using directory = await folder();
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory.path)));
  const locks = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  assert.equal(locks.length, 1);
  for (const outcome of outcomes) if (outcome.status === "rejected") assert.ok(outcome.reason instanceof DirectoryLockedError);
  await locks[0]?.[Symbol.asyncDispose]();
});

test("what a dead holder wrote beside the lock does not hold it", async () => {
  await using directory = await folder();
  await writeFile(join(directory.path, "lock.json"), `{"pid":${process.pid},"command":"an earlier life"}`);
  await using _lock = await lockDirectory(directory.path);
  assert.doesNotMatch(await readFile(join(directory.path, "lock.json"), "utf8"), /earlier life/);
});

test("a path that is no directory, cannot be created or is not writable is one clear error", async () => {
  await using directory = await folder();
  const file = join(directory.path, "file");
  await writeFile(file, "");
  await assert.rejects(
    lockDirectory(file),
    (error) => error instanceof DirectoryNotUsableError && error.message === `cannot use the data directory ${file}: it is not a directory`,
  );
  await assert.rejects(lockDirectory(join(file, "below")), DirectoryNotUsableError);
  // For root every directory is writable.
  if (process.getuid?.() !== 0) {
    await chmod(directory.path, 0o500);
    await assert.rejects(lockDirectory(directory.path), /this user may not write there/);
    await chmod(directory.path, 0o700);
  }
});

test("another user's directory is refused, also to root", {
  skip: process.getuid?.() !== 0 && "only root can give a directory away",
}, async () => {
  await using directory = await folder();
  await chown(directory.path, 12_345, 12_345);
  await assert.rejects(
    lockDirectory(directory.path),
    (error) => error instanceof DirectoryNotUsableError && error.message.includes("it belongs to the user 12345, this process runs as 0"),
  );
});
