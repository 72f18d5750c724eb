import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "#libs/testing";
import type { Client } from "./client.ts";
import { outputOf, root, runs } from "./run.ts";

const module = join(root, "clients/go");
const generated = join(module, "v1");

/** The module clients/go. */
export const go: Client = {
  name: "go",
  about: "the module clients/go: fresh stubs, gofmt, vet, staticcheck, tests with the race detector",
  missing: async () => ((await runs("go", ["version"], { quiet: true })) ? undefined : "go"),
  steps: [
    ["stubs are fresh", isFresh],
    ["gofmt", isFormatted],
    ["vet", () => runs("go", ["vet", "./..."], { cwd: module })],
    ["staticcheck", () => runs("go", ["tool", "-modfile=tools/go.mod", "staticcheck", "./..."], { cwd: module })],
    ["tests", () => runs("go", ["test", "-race", "-count=1", "./..."], { cwd: module })],
  ],
};

/** Whether the stubs are what the protos make. */
async function isFresh(): Promise<boolean> {
  await using made = await temporaryDirectory();
  // buf writes to folders that are relative to that of -o: here clients/go/v1 of the other place.
  const proto = made.join("proto");
  const options = ["generate", "--template", "buf.gen.go.yaml", "-o", proto];
  if (!(await runs(join(root, "node_modules/.bin/buf"), options, { cwd: join(root, "proto") }))) return false;
  const folder = made.join("clients/go/v1");
  const names = new Set([...(await readdir(folder)), ...(await readdir(generated))]);
  const read = (path: string) => readFile(path, "utf8").catch(() => undefined);
  let fresh = true;
  for (const name of names) {
    if ((await read(join(folder, name))) === (await read(join(generated, name)))) continue;
    process.stdout.write(`${join(generated, name)} is not what npm run gen:go makes of proto/\n`);
    fresh = false;
  }
  return fresh;
}

async function isFormatted(): Promise<boolean> {
  const unformatted = await outputOf("gofmt", ["-l", "."], module);
  if (unformatted) process.stdout.write(`gofmt would change ${unformatted.trim().split("\n").join(", ")}\n`);
  return unformatted === "";
}
