import assert from "node:assert/strict";
import { mkdir, readdir, rm, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { compile } from "./compile.ts";

const sources = { binding: "binding", nodeApi: "headers", include: "include", libraries: "libraries", module: "module.node" };
const onBytes = () => {};

/** A folder with the programs of this machine, but for compilers. */
async function withoutCompilers(folder: string): Promise<string> {
  await mkdir(folder);
  for (const directory of (process.env["PATH"] ?? "").split(delimiter).reverse())
    for (const name of await readdir(directory).catch((): string[] => [])) {
      if (/^(g|c|clang)\+\+$/.test(name)) continue;
      await rm(join(folder, name), { force: true });
      await symlink(join(directory, name), join(folder, name));
    }
  return folder;
}

test("a machine without a compiler, and without a way to bring one, is told what to install", async () => {
  await using directory = await temporaryDirectory();
  const env = {
    ...process.env,
    PATH: await withoutCompilers(directory.join("bin")),
    CXX: "",
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: directory.path,
  };
  await assert.rejects(compile(sources, { folder: directory.path, env, onBytes }), {
    name: "SetupError",
    message:
      /needs a C\+\+ compiler, and there is none here \(pip could not download ziglang 0\.13\.0: .*\); install one, for example with: apt install g\+\+/,
  });
  assert.deepEqual(await readdir(directory.path), ["bin"]);
});

test("a compiler that is named and not there is said so", async () => {
  const options = { folder: ".", env: { ...process.env, CXX: "/no/such/compiler" }, onBytes };
  await assert.rejects(compile(sources, options), {
    name: "SetupError",
    message: /CXX is \/no\/such\/compiler, which is no compiler that can be run/,
  });
});

test("what a compiler says is passed on", async () => {
  const options = { folder: ".", env: { ...process.env, CXX: "" }, onBytes };
  await assert.rejects(compile(sources, options), {
    name: "SetupError",
    message: /could not compile the binding of TensorFlow: .*tfjs_backend\.cc/,
  });
});
