import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryDirectory } from "#libs/testing";
import { findTorch, type SetupStage, setupTorch, torchPlace } from "./index.ts";

const run = promisify(execFile);

/** An environment of Python in which packages are modules that have a version and nothing else: PyTorch itself is gigabytes. */
async function environment(folder: string, packages: readonly string[]): Promise<string> {
  await run("python3", ["-m", "venv", folder]);
  const python = join(folder, "bin/python");
  const { stdout } = await run(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]);
  const cuda =
    "class cuda:\n    is_available = staticmethod(lambda: True)\n    device_count = staticmethod(lambda: 1)\n    get_device_name = staticmethod(str)\n";
  for (const name of packages)
    await writeFile(join(stdout.trim(), `${name}.py`), `__version__ = "2.15.0"\n${name === "torch" ? cuda : ""}`);
  return python;
}

test("the trainer is put into an environment of the user's own, once, and anew where it is gone", async () => {
  await using directory = await temporaryDirectory();
  const env = { ...process.env, XDG_CACHE_HOME: directory.path };
  const python = await environment(join(directory.path, "own"), ["torch", "torchvision", "timm"]);
  const stages: SetupStage[] = [];
  const set = () => setupTorch({ build: "cuda", python, env, onProgress: (stage) => stages.push(stage) });
  assert.equal(await findTorch(env), undefined);
  const { installed, before } = await set();
  assert.deepEqual([before, installed.torch, installed.gpus, installed.own, installed.python], [false, "2.15.0", ["0"], true, python]);
  assert.deepEqual(await findTorch(env), installed);
  const { stdout } = await run(installed.trainer, ["torch", "--help"]);
  assert.match(stdout, /--accumulate/);
  assert.deepEqual(await set(), { installed, before: true });
  assert.deepEqual(stages, ["trainer", "try"]);
  await writeFile(torchPlace(env).list, JSON.stringify({ ...installed, client: "another version" }));
  assert.deepEqual(await set(), { installed, before: false });
  await rm(installed.trainer);
  assert.equal(await findTorch(env), undefined);
});

test("what is in the way is one sentence, before anything is written", async () => {
  await using directory = await temporaryDirectory();
  const env = { ...process.env, XDG_CACHE_HOME: join(directory.path, "cache") };
  const fails = (python: string, message: RegExp) =>
    assert.rejects(setupTorch({ build: "cpu", python, env }), { name: "SetupError", message });
  await fails(join(directory.path, "none"), /^There is no .*none here; PyTorch needs Python 3\.10 or later$/);
  await fails(
    await environment(join(directory.path, "bare"), ["timm"]),
    /has no torch and no torchvision: install it there, or leave --python out$/,
  );
  const old = join(directory.path, "old");
  await writeFile(old, `#!/bin/sh\necho '{"version": [3, 8], "venv": true, "lacks": []}'\n`);
  await chmod(old, 0o755);
  await fails(old, /old is Python 3\.8, and the trainer needs 3\.10 or later$/);
  assert.equal(await findTorch(env), undefined);
  await mkdir(torchPlace(env).root, { recursive: true });
  for (const torn of ["", "{", '{"python": 1}']) {
    await writeFile(torchPlace(env).list, torn);
    assert.equal(await findTorch(env), undefined);
  }
});
