import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { runHere, succeedHere } from "./here.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const options = { cwd: directory.path, env: { XDG_CACHE_HOME: directory.join("cache"), RATATOUILLE_DATA: "data" } };
const run = (...args: string[]) => succeedHere(args, options);
const json = async (...args: string[]) => JSON.parse(await run(...args, "--json"));
let [base, tuned] = ["", ""];

before(async () => {
  const weights = (values: readonly number[]) =>
    saveFloat32(new Map([["w", { shape: [2], data: Float32Array.from(values) }]]), { format: "pt" });
  await writeFile(directory.join("base.safetensors"), weights([3, 4]));
  await writeFile(directory.join("tuned.safetensors"), weights([4, -3]));
  base = (await json("import", "base.safetensors", "--licence", "mit"))[0].digest;
  tuned = (await json("import", "tuned.safetensors", "--licence", "apache-2.0", "--base", "imported/base"))[0].digest;
});

test("models are tagged, noted of, searched for and compared", async () => {
  assert.match(await run("tags", "add", "birds:1.0", "imported/base"), /^birds:1\.0 is [0-9a-f]{12}\.\n$/);
  assert.deepEqual(
    (await json("tags", "list", "birds:")).map(({ digest }: { digest: string }) => digest),
    [base],
  );
  const taken = await runHere(["tags", "add", "birds:1.0", "imported/tuned"], options);
  assert.deepEqual([taken.code, taken.stderr.includes("a tag never means another artifact")], [1, true]);
  assert.deepEqual(await json("annotate", "imported/tuned", "team=vision", "mood=good"), { mood: "good", team: "vision" });
  assert.equal(await run("annotate", "imported/tuned", "--remove", "mood"), "team  vision\n");
  const found = async (filter: string) =>
    (await json("models", "list", "--filter", filter)).map(({ digest }: { digest: string }) => digest);
  assert.deepEqual(await found("annotation.team = vision"), [tuned]);
  assert.deepEqual(await found("parent = birds:1.0 OR licence = mit"), [tuned, base]);
  const wrong = await runHere(["models", "list", "--filter", "licens = mit"], options);
  assert.match(wrong.stderr, /at character 1: there is no field "licens"; did you mean licence\?/);

  const { recipe, tensors } = await json("diff", "birds:1.0", "imported/tuned", "--tensors");
  assert.ok(
    recipe.some(
      ({ path, from, to }: { path: string; from?: string; to: string }) => path === "inputs.base" && from === undefined && to === base,
    ),
  );
  assert.deepEqual([tensors[0].name, tensors[0].norms.from, tensors[0].norms.difference], ["w", 5, Math.sqrt(50)]);
  assert.match(await run("diff", "birds:1.0", "imported/tuned", "--tensors"), /\nw +5 +5 +7\.07107 +0\.000000/);
});

test("lineages are told both ways and to others; refs move; rules keep; all is checked", async () => {
  assert.deepEqual(
    (await json("lineage", "imported/base", "--descendants")).map(({ digest }: { digest: string }) => digest),
    [tuned],
  );
  assert.deepEqual(
    (await json("lineage", "imported/base", "--common-with", "imported/tuned")).map(({ digest }: { digest: string }) => digest),
    [base],
  );
  const bom = JSON.parse(await run("lineage", "imported/tuned", "--format", "cyclonedx"));
  assert.equal(bom.metadata.component.pedigree.ancestors[0].version, base);
  assert.match((await runHere(["lineage", "a/b", "--dot", "--members"], options)).stderr, /exclude each other/);

  assert.match(
    await run("refs", "move", "birds/champion", "imported/base", "--reason", "the first"),
    /^birds\/champion is [0-9a-f]{12}\.\n$/,
  );
  await run("refs", "move", "birds/champion", "imported/tuned");
  const moved = await runHere(["refs", "move", "birds/champion", "imported/tuned", "--from", "imported/base"], options);
  assert.deepEqual([moved.code, moved.stderr.includes("points to")], [1, true]);
  assert.match(await run("refs", "list", "birds/"), /\nbirds\/champion +[0-9a-f]{12} .*\n +[0-9a-f]{12} .* the first\n/);
  await run("retention", "set", "champions", "--prefix", "birds/", "--moves", "2");
  assert.match(await run("retention", "list"), /champions +where refs of birds\/ pointed before their last 2 moves/);
  assert.deepEqual(
    (await json("usage", "birds/")).usages.map(({ name }: { name: string }) => name),
    ["birds/champion"],
  );
  assert.match(await run("fsck"), /^Checked \d+ blobs, .* and 2 artifacts: all is well\.\n$/);
});
