import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readlink, rm, stat, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory, testProcess, waitFor } from "#libs/testing";
import { findTensorflow, probe, setupTensorflow, tensorflowPlace } from "./index.ts";
import { binding, headers, variants } from "./packages.ts";

const run = promisify(execFile);

test("TensorFlow that is there is found, computes, and is not installed again", async () => {
  const { installed, before } = await setupTensorflow("tensorflow", { onProgress: () => assert.fail("nothing is to be done") });
  assert.deepEqual([before, installed.version], [true, "2.15.1"]);
  assert.deepEqual(await findTensorflow("tensorflow"), installed);
  assert.deepEqual(await probe(installed.binding), { version: "2.15.1", accelerator: false, notes: [] });
});

test("an installation that lacks a part of a file is none", async () => {
  await using directory = await temporaryDirectory();
  const env = { XDG_CACHE_HOME: directory.path };
  const [from, to] = [tensorflowPlace("tensorflow").folder, tensorflowPlace("tensorflow", env).folder];
  await mkdir(dirname(to), { recursive: true });
  await run("cp", ["-al", from, to]);
  assert.ok(await findTensorflow("tensorflow", env));
  const part = tensorflowPlace("tensorflow", env).binding;
  await rm(part);
  await cp(tensorflowPlace("tensorflow").binding, part);
  await truncate(part, 1000);
  assert.equal(await findTensorflow("tensorflow", env), undefined);
});

test("an installation whose list is torn or strange is none, and setup makes it anew", async () => {
  await using directory = await temporaryDirectory();
  const env = { ...process.env, XDG_CACHE_HOME: directory.path };
  const { folder } = tensorflowPlace("tensorflow", env);
  await mkdir(folder, { recursive: true });
  for (const torn of [
    "",
    '{"version":"2.15.1","fil',
    "\0\0\0\0",
    "null",
    "[]",
    '{"version":1,"files":[]}',
    '{"version":"2.15.1","files":[null]}',
  ]) {
    await writeFile(join(folder, "installed.json"), torn);
    assert.equal(await findTensorflow("tensorflow", env), undefined, torn);
  }
  const abort = new AbortController();
  const begun = setupTensorflow("tensorflow", {
    env,
    signal: abort.signal,
    onProgress: ({ stage }) => stage === "download" && abort.abort(new Error("it downloads")),
  });
  await assert.rejects(begun, { message: "it downloads" });
});

test("a place without space is said to be so before anything is downloaded", {
  skip: process.getuid?.() !== 0 && "mounting takes root",
}, async (t) => {
  await using directory = await temporaryDirectory();
  const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory.path]).then(
    () => true,
    () => false,
  );
  if (!mounted) return t.skip("this machine lets nobody mount");
  try {
    const failed = setupTensorflow("tensorflow", { env: { ...process.env, XDG_CACHE_HOME: directory.path } });
    await assert.rejects(failed, { name: "SetupError", message: /has 1\.0 MB free, and tensorflow needs 9\d\d MB there: free some/ });
  } finally {
    await run("umount", [directory.path]);
  }
});

const child = fileURLToPath(new URL("testing/setup-process.ts", import.meta.url));
const deno = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];

/** Whether programs run whose working directory is somewhere below a folder. */
async function programsIn(folder: string): Promise<boolean> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(processes.map((id) => readlink(`/proc/${id}/cwd`).catch(() => "")));
  return places.some((place) => place.startsWith(folder));
}

test("a setup that is killed leaves nothing that runs or counts as installed; the next one goes on with what was downloaded", async () => {
  await using directory = await temporaryDirectory();
  const env = { ...process.env, XDG_CACHE_HOME: directory.path };
  const { root, folder } = tensorflowPlace("tensorflow", env);
  const kept = join(root, `${basename(folder)}.downloads`, binding.file);
  {
    await using killed = testProcess(process.execPath, [...deno, child], { env });
    await killed.line(`download ${headers.file}`, 60_000);
    await waitFor(() => programsIn(directory.path), { what: "a client that downloads" });
    await killed.kill("SIGKILL");
  }
  await waitFor(async () => !(await programsIn(directory.path)), { what: "the end of what the killed setup had started" });
  assert.equal(await findTensorflow("tensorflow", env), undefined);
  const before = await stat(kept);
  const abort = new AbortController();
  const interrupted = setupTensorflow("tensorflow", {
    env,
    signal: abort.signal,
    onProgress: (progress) => {
      if (progress.stage === "download" && progress.file === variants.tensorflow.wheels[0]?.file) abort.abort(new Error("interrupted"));
    },
  });
  await assert.rejects(interrupted, { message: "interrupted" });
  assert.equal((await stat(kept)).ino, before.ino);
  assert.deepEqual(
    (await readdir(root)).filter((name) => !name.endsWith(".downloads")),
    [],
  );
});
