import assert from "node:assert/strict";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readManifest } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { freePort, temporaryDirectory } from "#libs/testing";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type Cli, root, startCli } from "../e2e/cli.ts";
import { runHere } from "../e2e/here.ts";
import { numbersOf, publishModels, weightsFile, writeFolder } from "./models.ts";

const directory = await temporaryDirectory();
const env = { XDG_CACHE_HOME: directory.join("cache") };
const address = `127.0.0.1:${await freePort()}`;
const [a, b, c] = [numbersOf(1), numbersOf(2), numbersOf(3)];
const config = { model_type: "vit", architectures: ["ViTModel"] };
const card = "---\nlicense: apache-2.0\nbase_model: org/base\n---\n";
let server: Cli;

const run = (...args: string[]) => runHere(args, { cwd: directory.path, env });
const read = async (...parts: string[]) => new Uint8Array(await readFile(directory.join(...parts)));
const list = async (...parts: string[]) => (await readdir(directory.join(...parts))).sort();

before(async () => {
  await writeFile(directory.join("a.safetensors"), weightsFile(a));
  await writeFile(directory.join("b.safetensors"), weightsFile(b));
  await writeFolder(directory.join("hf"), c, config, card);
  await publishModels(directory.join("data"), { "set/one": weightsFile(a), "set/two": weightsFile(c) });
  server = startCli(["up", "--listen", address, "--data", directory.join("data"), "--trainers", "1"], { env });
  await server.line("listens on");
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Averages here and on the server; both write the same files. */
async function bothWays(...args: string[]): Promise<void> {
  const [here, there] = ["here", "there"].map((place) => args.map((arg) => arg.replace("OUT", place))) as [string[], string[]];
  const alone = await run("average", ...here);
  assert.equal(alone.code, 0, alone.stderr);
  const served = await run("average", ...there, "--server", address);
  assert.equal(served.code, 0, served.stderr);
}

test("files of this machine: the bytes and the recipe of the same average made here", async () => {
  await bothWays("a.safetensors", "b.safetensors", "-o", "OUT.safetensors");
  assert.deepEqual(await read("there.safetensors"), await read("here.safetensors"));
  assert.deepEqual(await read("there.recipe.json"), await read("here.recipe.json"));
  assert.deepEqual(
    (await list()).filter((name) => name.startsWith(".")),
    [],
  );
});

test("shards in, shards out, with weights, a base model and a method", async () => {
  await bothWays(
    "hf",
    "a.safetensors",
    "-o",
    "OUT-ties",
    "--base",
    "b.safetensors",
    "--method",
    "ties",
    "--set",
    "density=0.5",
    "--max-shard-size",
    "140B",
  );
  assert.deepEqual(await list("there-ties"), await list("here-ties"));
  for (const name of await list("here-ties")) {
    // The card names the folder.
    if (name !== "README.md") assert.deepEqual(await read("there-ties", name), await read("here-ties", name), name);
  }
});

test("random methods draw the same numbers on both sides", async () => {
  const args = [
    "a.safetensors",
    "b.safetensors",
    "--base",
    "a.safetensors",
    "--method",
    "dare_linear",
    "--set",
    "density=0.5",
    "--seed",
    "3",
  ];
  await bothWays(...args, "-o", "OUT-dare.safetensors");
  assert.deepEqual(await read("there-dare.safetensors"), await read("here-dare.safetensors"));
  const sharded = await run("average", "hf", ...args, "-o", "refused.safetensors", "--server", address);
  assert.equal(sharded.code, 2);
  assert.match(sharded.stderr, /hf has several files, and dare_linear draws random numbers/);
});

test("files of PyTorch are averaged as the safetensors that they would be, here and there, also where numbers are drawn by their digests", async () => {
  const fixtures = join(root, "test/fixtures/torch-files");
  for (const name of ["zip.pth", "legacy-protocol5.pth"]) await copyFile(join(fixtures, name), directory.join(name));
  const { code, stderr } = await run("average", "zip.pth", "zip.pth", "-o", "converted.safetensors");
  assert.equal(code, 0, stderr);
  for (const [out, ...args] of [
    ["mean"],
    ["drawn", "--base", "zip.pth", "--method", "dare_linear", "--set", "density=0.5", "--seed", "3"],
  ]) {
    await bothWays("zip.pth", "legacy-protocol5.pth", ...args, "-o", `OUT-${out}.safetensors`);
    const made = await read(`here-${out}.safetensors`);
    assert.deepEqual(await read(`there-${out}.safetensors`), made);
    await bothWays("converted.safetensors", "legacy-protocol5.pth", ...args, "-o", `OUT-${out}-again.safetensors`);
    assert.deepEqual(await read(`here-${out}-again.safetensors`), made);
    assert.deepEqual(await read(`there-${out}-again.safetensors`), made);
  }
});

test("models of the server's catalog need not be sent, and what was made there can be made again", async () => {
  const { code, stdout, stderr } = await run("average", "set/one", "set/two", "-o", "set.safetensors", "--server", address, "--json");
  assert.equal(code, 0, stderr);
  const alone = await run("average", "a.safetensors", "hf", "-o", "alone.safetensors");
  assert.equal(alone.code, 0, alone.stderr);
  assert.deepEqual(await read("set.safetensors"), await read("alone.safetensors"));
  assert.equal(JSON.parse(stdout).models.length, 2);
  const channel = connect(address);
  const { artifacts } = await channel.client(CatalogService).listArtifacts({ kind: ArtifactKind.MODEL });
  channel.close();
  const averages = artifacts.filter(({ manifest }) => readManifest(manifest).recipe.kind === "average");
  assert.ok(averages.length > 0);
  // Also those of imported models.
  for (const { digest } of averages) {
    const again = await run("reproduce", digest, "--server", address);
    assert.equal(again.stdout, `Same: ${digest}\n`, again.stderr);
  }
});

test("what the server refuses is said here, and nothing is written", async () => {
  const before = await list();
  const { code, stderr } = await run(
    "average",
    "set/one",
    "a.safetensors",
    "--method",
    "linear",
    "--weights",
    "1,-1",
    "-o",
    "none.safetensors",
    "--server",
    address,
  );
  assert.notEqual(code, 0);
  assert.match(stderr, /sum to 0/);
  assert.deepEqual(await list(), before);
});
