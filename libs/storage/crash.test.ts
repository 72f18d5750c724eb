import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DirectoryLockedError, lockDirectory, openBlobStore, openDatabase, sqlMigration } from "./index.ts";

const program = fileURLToPath(new URL("crash-child.ts", import.meta.url));

/** The command that runs a TypeScript program on the runtime of this test. */
function command(task: string, directory: string): string[] {
  const isDeno = process.versions["deno"] !== undefined;
  return [process.execPath, ...(isDeno ? ["run", "-A", "--no-check"] : []), program, task, directory];
}

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "crash-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function start([file = "", ...parameters]: string[]) {
  const child = spawn(file, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  return { child, exited: once(child, "exit"), lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function kill({ child, exited }: { child: ChildProcess; exited: Promise<unknown> }): Promise<void> {
  child.kill("SIGKILL");
  await exited;
}

test("a process killed in the middle of a put leaves no blob, and its lock is free at once", async () => {
  await using directory = await folder();
  const { path } = directory;
  const running = start(command("put-half", path));
  assert.deepEqual(await running.lines.next(), { done: false, value: "half" });

  await assert.rejects(lockDirectory(path), (error) => {
    assert.ok(error instanceof DirectoryLockedError);
    assert.deepEqual([error.pid, error.address], [running.child.pid, "127.0.0.1:1"]);
    assert.match(error.message, /in use by process \d+ \(crash-child\.ts\), which listens on 127\.0\.0\.1:1$/);
    return true;
  });
  const incoming = join(path, "blobs", "incoming");
  assert.equal((await readdir(incoming)).length, 1);
  await kill(running);

  await using _lock = await lockDirectory(path);
  const store = await openBlobStore(join(path, "blobs"));
  assert.deepEqual(await Array.fromAsync(store.list()), []);
  assert.deepEqual(await readdir(incoming), []);
});

test("a process killed in the middle of a transaction leaves what it had committed before", async () => {
  await using directory = await folder();
  const running = start(command("transaction-half", directory.path));
  assert.deepEqual(await running.lines.next(), { done: false, value: "half" });
  await kill(running);
  await using database = await openDatabase<{ t: { a: number } }>({
    path: join(directory.path, "rows.sqlite"),
    migrations: [sqlMigration("t", "create table t (a integer) strict")],
  });
  const rows = await database.query.selectFrom("t").select("a").execute();
  assert.deepEqual(
    rows.map(({ a }) => a),
    [1],
  );
});

test("a put that the disk has no room for says so and leaves nothing", async () => {
  await using directory = await folder();
  // A limit on the size of files stands in for a full disk: it needs no privileges. The blocks have 512 bytes, in some shells 1024.
  const limited = start(["sh", "-c", `trap '' XFSZ; ulimit -f 900; exec "$@"`, "sh", ...command("fill", directory.path)]);
  assert.deepEqual(await limited.lines.next(), { done: false, value: "NoSpaceError" });
  await limited.exited;
  assert.deepEqual(await readdir(join(directory.path, "blobs", "incoming")), []);
  const store = await openBlobStore(join(directory.path, "blobs"));
  assert.deepEqual(await Array.fromAsync(store.list()), []);
});
