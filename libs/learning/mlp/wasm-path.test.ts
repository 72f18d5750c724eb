import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { spawnScript } from "#libs/service";
import { temporaryDirectory } from "#libs/testing";

const root = join(import.meta.dirname, "../../..");

test("the kernels are found in a checkout whose path has a space, an umlaut and a percent sign", async () => {
  await using directory = await temporaryDirectory();
  const clone = directory.join("Küche 100%25 neu");
  // Copies of what looks for its own path, since runtimes resolve links before that; links to all else.
  for (const part of ["libs", "package.json"]) await cp(join(root, part), join(clone, part), { recursive: true });
  const backend = "node_modules/@tensorflow/tfjs-backend-wasm";
  await cp(join(root, backend), join(clone, backend), { recursive: true, filter: (path) => !/\.map$|kernels/.test(path) });
  for (const folder of ["node_modules", "node_modules/@tensorflow"]) {
    for (const name of await readdir(join(root, folder))) {
      const link = join(clone, folder, name);
      if (!existsSync(link)) await symlink(join(root, folder, name), link);
    }
  }
  const script = join(clone, "open.ts");
  await writeFile(script, 'import { openBackend } from "#libs/learning";\nprocess.stdout.write((await openBackend("wasm")).name);\n');
  const child = spawnScript(script, [], { cwd: clone, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  assert.equal(output, "wasm");
});
