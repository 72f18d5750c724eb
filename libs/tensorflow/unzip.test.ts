import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, chmod, constants, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryDirectory } from "#libs/testing";
import { unzip } from "./unzip.ts";

const run = promisify(execFile);

test("of an archive that Python has made a program can be run, and nothing else", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  await writeFile(directory.join("ptxas"), "#!/bin/sh\necho assembled\n");
  await chmod(directory.join("ptxas"), 0o755);
  await writeFile(directory.join("library.so"), "not a program", { mode: 0o644 });
  await run("python3", ["-m", "zipfile", "-c", "wheel.zip", "ptxas", "library.so"], { cwd });
  await unzip(directory.join("wheel.zip"), directory.join("out"), (name) => `nvidia/bin/${name}`);
  const [program, library] = ["ptxas", "library.so"].map((name) => directory.join(`out/nvidia/bin/${name}`)) as [string, string];
  assert.equal((await run(program)).stdout, "assembled\n");
  await assert.rejects(access(library, constants.X_OK));
  assert.equal(await readFile(library, "utf8"), "not a program");
});
