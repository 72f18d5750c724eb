import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { spawnScript } from "#libs/service";
import { temporaryDirectory } from "#libs/testing";

const root = join(import.meta.dirname, "../..");

test("the kernels are found in a checkout whose path has a space, an umlaut and a percent sign", async () => {
  await using directory = await temporaryDirectory();
  const clone = directory.join("Küche 100%25 neu");
  // Copies of what looks for its own path, since runtimes resolve links before that; links to all else.
  for (const part of ["libs/learning", "libs/recipes", "libs/deterministic", "libs/tensors", "package.json"]) {
    await cp(join(root, part), join(clone, part), { recursive: true });
  }
  const modules = join(clone, "node_modules");
  const backend = "@tensorflow/tfjs-backend-wasm";
  await cp(join(root, "node_modules", backend), join(modules, backend), {
    recursive: true,
    filter: (path) => !/\.map$|kernels/.test(path),
  });
  await mkdir(join(modules, "@stdlib"));
  for (const name of ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-cpu", "valibot"]) {
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
  for (const name of ["cos", "exp", "ln", "pow", "sin"]) {
    await symlink(join(root, `node_modules/@stdlib/math-base-special-${name}`), join(modules, `@stdlib/math-base-special-${name}`));
  }
  const script = join(clone, "open.ts");
  await writeFile(script, 'import { openBackend } from "#libs/learning";\nprocess.stdout.write((await openBackend("wasm")).name);\n');
  const child = spawnScript(script, [], { cwd: clone, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  assert.equal(output, "wasm");
});
