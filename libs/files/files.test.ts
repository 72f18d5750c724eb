import assert from "node:assert/strict";
import { chmod, link, mkdir, open, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import {
  bytesBelow,
  digestOfFile,
  errorCode,
  filesBelow,
  isAlive,
  openDescriptors,
  publishFiles,
  readAt,
  readFrom,
  replaceFile,
  requireWritable,
  syncDirectory,
  writeAt,
  writeTo,
} from "./index.ts";
import { startChild } from "./testing/start-child.ts";

const isRoot = process.getuid?.() === 0;

test("the files below a folder are listed by path, and one with two names counts once; a folder that is not there has none", async () => {
  await using directory = await temporaryDirectory();
  const place = directory.join("place");
  await mkdir(join(place, "a", "b"), { recursive: true });
  await writeFile(join(place, "one"), "12345");
  await writeFile(join(place, "a", "b", "two"), "123");
  await link(join(place, "one"), join(place, "a", "again"));
  await symlink(place, join(place, "round"));
  assert.deepEqual(
    (await filesBelow(place)).map(({ path, bytes }) => [path, bytes]),
    [
      ["a/again", 5],
      ["a/b/two", 3],
      ["one", 5],
    ],
  );
  assert.deepEqual([await bytesBelow(place), await bytesBelow(directory.join("nowhere"))], [8, 0]);
});

test("a file is replaced whole: a process that is killed in the middle leaves the old one, and what it left goes", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("file");
  await writeFile(path, "old");
  await using writer = startChild(["half", path]);
  await writer.line("half");
  await writer.kill("SIGKILL");
  assert.equal(await readFile(path, "utf8"), "old");
  const left = (await readdir(directory.path)).filter((name) => name !== "file");
  assert.equal(left.length, 1);

  // Nobody knows whether the writer lives, so its file stays for a day ...
  await replaceFile(path, "new");
  assert.equal(await readFile(path, "utf8"), "new");
  assert.deepEqual((await readdir(directory.path)).sort(), [left[0], "file"].sort());
  // ... unless it is known that nobody else writes the file.
  await replaceFile(path, "newer", { alone: true });
  assert.deepEqual(await readdir(directory.path), ["file"]);
});

test("what is a day old, and what earlier versions left, goes; what belongs to other files stays", async () => {
  await using directory = await temporaryDirectory();
  const [old, young, other] = [".file.0123456789abcdef.partial", ".file.1-0.partial", ".file.b.0123456789abcdef.partial"];
  const stays = [other, ".file.0123456789ab.partial", "file.0123456789abcdef.partial"];
  for (const name of [old, young, ...stays]) await writeFile(directory.join(name), "half");
  const yesterday = Date.now() / 1000 - 86_500;
  for (const name of [old, ...stays]) await utimes(directory.join(name), yesterday, yesterday);
  await replaceFile(directory.join("file"), "whole");
  assert.deepEqual((await readdir(directory.path)).sort(), ["file", young, ...stays].sort());
  await replaceFile(directory.join("file"), "whole", { alone: true });
  assert.deepEqual((await readdir(directory.path)).sort(), ["file", ...stays].sort());
});

test("content that fails leaves the old file, and nothing beside it", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("file");
  await replaceFile(path, "old", { mode: 0o600 });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  async function* failing() {
    yield new Uint8Array(9);
    throw new Error("cut off");
  }
  await assert.rejects(replaceFile(path, failing()), /cut off/);
  assert.deepEqual([await readFile(path, "utf8"), await readdir(directory.path)], ["old", ["file"]]);
});

test("several files are published in order; an error names the file, and those after it are left", async () => {
  await using directory = await temporaryDirectory();
  for (const name of ["1", "2", "3"]) await writeFile(directory.join(name), name);
  await mkdir(directory.join("b"));
  const files = ["a", "b", "c"].map((to, i) => ({ from: directory.join(String(i + 1)), to: directory.join(to) }));
  await assert.rejects(publishFiles(files), (error) => ["EISDIR", "ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? ""));
  assert.deepEqual((await readdir(directory.path)).sort(), ["2", "3", "a", "b"]);
});

test("a limit on the size of files, and a full disk, are one error that names the file; nothing is left", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("file");
  await writeFile(path, "old");
  // Blocks have 512 bytes, in some shells 1024.
  await using limited = startChild(["fill", path, "2000000"], ["sh", "-c", `trap '' XFSZ; ulimit -f 900; exec "$@"`, "sh"]);
  assert.equal(await limited.line("NoSpaceError"), `NoSpaceError: no space left to write ${path}`);
  await limited.ended;
  assert.deepEqual([await readFile(path, "utf8"), await readdir(directory.path)], ["old", ["file"]]);
  if (!isRoot) return;
  const mount = `mount -t tmpfs -o size=256k none ${directory.path} && "$@" && echo left: $(ls -A ${directory.path})`;
  await using full = startChild(["fill", path, "2000000"], ["unshare", "-m", "sh", "-c", mount, "sh"]);
  assert.equal(await full.line("NoSpaceError"), `NoSpaceError: no space left to write ${path}`);
  assert.equal(await full.line("left:"), "left:");
});

test("more than 2 GiB are asked for in pieces that every runtime takes", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("file"), "short");
  await using file = await open(directory.join("file"), "r");
  // Memory that nobody touches costs nothing, and the file ends soon.
  const bytes = new Uint8Array(2 ** 31 + 4096);
  assert.equal(readAt(file.fd, bytes, 1), 4);
  assert.equal(Buffer.from(bytes.subarray(0, 5)).toString(), "hort\0");
  assert.equal(await readFrom(file, bytes, 0), 5);
  assert.equal(Buffer.from(bytes.subarray(0, 6)).toString(), "short\0");
});

test("files stay open, the latest used; one that is refused when it is opened is closed", async () => {
  await using directory = await temporaryDirectory();
  const paths = ["a", "b", "c"].map((name) => directory.join(name));
  for (const path of paths) await writeFile(path, path);
  const text = (descriptor: number) => {
    const bytes = new Uint8Array(999);
    return Buffer.from(bytes.subarray(0, readAt(descriptor, bytes, 0))).toString();
  };
  using descriptors = openDescriptors(2);
  const [a = "", b = "", c = ""] = paths;
  const [first, second] = [descriptors.of(a, "r"), descriptors.of(b, "r")];
  assert.equal(descriptors.of(a, "r"), first);
  // The one of b is closed, and its number used again.
  assert.equal(descriptors.of(c, "r"), second);
  assert.deepEqual([descriptors.of(a, "r"), descriptors.of(b, "r")].map(text), [a, b]);
  writeAt(descriptors.of(c, "r+"), Buffer.from("X"), 0);
  assert.equal(text(descriptors.of(c, "r"))[0], "X");
  const seen: number[] = [];
  const refuse = (descriptor: number) => {
    seen.push(descriptor);
    throw new Error("refused");
  };
  for (let i = 0; i < 2; i++) assert.throws(() => descriptors.of(a, "r", refuse), /refused/);
  assert.equal(seen[0], seen[1]);
});

test("the digest of a file is that of its bytes", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("file"), "abc");
  // FIPS 180-2, appendix B.1.
  const expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(await digestOfFile(directory.join("file")), expected);
  const stopped = AbortSignal.abort(new Error("enough"));
  await assert.rejects(digestOfFile(directory.join("file"), { signal: stopped }), /enough/);
});

test("bytes are written one after another, or by position", async () => {
  await using directory = await temporaryDirectory();
  await using file = await open(directory.join("file"), "w+");
  await writeTo(file, Buffer.from("abcdef"));
  await writeTo(file, Buffer.from("gh"));
  await writeTo(file, Buffer.from("XY"), 2);
  assert.equal(await readFile(directory.join("file"), "utf8"), "abXYefgh");
});

test("where a directory cannot be synced, nothing happens; one that is not there is an error", async () => {
  await using directory = await temporaryDirectory();
  await syncDirectory(directory.path);
  // Its files cannot be synced, nor can it: as on systems that have no such thing.
  await syncDirectory("/proc/self");
  await assert.rejects(syncDirectory(directory.join("missing")), { code: "ENOENT" });
});

test("a process is alive until it has ended, also where nobody has waited for it", async () => {
  await using directory = await temporaryDirectory();
  await using holder = startChild(["hold", directory.join("lock")]);
  await holder.line("held");
  assert.ok(isAlive(holder.pid) && isAlive(process.pid) && isAlive(1));
  await holder.kill();
  assert.ok(!isAlive(holder.pid));
  assert.ok(!isAlive(2 ** 22 + 1));
});

test("where nothing can be written is said before, in half a sentence", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("file"), "");
  await symlink(directory.join("loop"), directory.join("loop"));
  const why = (path: string, as: "file" | "directory", options = {}) =>
    requireWritable(path, as, options).then(
      () => undefined,
      (error: Error) => error.message,
    );
  assert.equal(await why(directory.join("new", "newer", "file"), "file"), undefined);
  assert.equal(await why(directory.join("file"), "file"), undefined);
  assert.equal(await why(directory.path, "file"), `cannot write to ${directory.path}: it is a directory`);
  assert.equal(await why(directory.join("file"), "directory"), `cannot write to ${directory.join("file")}: it is not a directory`);
  const below = directory.join("file", "below");
  assert.equal(await why(below, "directory"), `cannot write to ${below}: what should be its folder is a file`);
  const loop = directory.join("loop", "x");
  assert.equal(await why(loop, "file"), `cannot write to ${loop}: its links go round in circles`);
  assert.deepEqual((await readdir(directory.path)).sort(), ["file", "loop"]);
  if (isRoot) return;
  await chmod(directory.path, 0o500);
  assert.match((await why(directory.join("other"), "file")) ?? "", /this user may not write/);
  await chmod(directory.path, 0o700);
});
