import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { ModelError, openModel } from "./index.ts";

/** A model whose tensors lie inside its files, or an error of one sentence. */
async function surviveOpening(path: string): Promise<"model" | "refused"> {
  try {
    const { files, tensors, licences, foundation } = await openModel(path, "m");
    for (const [name, { file, offset, length }] of tensors) {
      assert.ok(name.isWellFormed() && offset + length <= files[file]!.size);
    }
    assert.ok(licences.every((licence) => typeof licence === "string") && (foundation === undefined || typeof foundation === "string"));
    return "model";
  } catch (error) {
    assert.ok(error instanceof ModelError, `${error instanceof Error ? error.stack : error}`);
    assert.ok(error.message.length < 5000);
    return "refused";
  }
}

const tensor = (...names: string[]) => saveFloat32(new Map(names.map((name) => [name, { shape: [2], data: new Float32Array(2) }])));
const anyName = fc.oneof(
  fc.constantFrom("a", "b", "c", "__proto__", "constructor", "toString", "", "\u0000"),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const anyShard = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("one.safetensors", "two.safetensors") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "../one.safetensors",
      "/etc/passwd",
      "..",
      ".",
      "",
      "one",
      "x/one.safetensors",
      "one.safetensors\u0000",
      "none.safetensors",
    ),
  },
);

test("an index of shards with any names, files and nonsense", async () => {
  await using directory = await temporaryDirectory();
  const folder = directory.join("model");
  await mkdir(folder);
  await writeFile(join(folder, "one.safetensors"), tensor("a", "b"));
  await writeFile(join(folder, "two.safetensors"), tensor("c"));
  await writeFile(directory.join("one.safetensors"), tensor("a", "b", "c"));
  const right = { a: "one.safetensors", b: "one.safetensors", c: "two.safetensors" };
  // As text: an object of JavaScript would lose a key called __proto__.
  const pairs = fc
    .array(
      fc.tuple(
        anyName,
        fc.oneof({ weight: 8, arbitrary: anyShard.map((shard) => JSON.stringify(shard)) }, { weight: 1, arbitrary: fc.json() }),
      ),
      {
        maxLength: 3,
      },
    )
    .map((entries) => `{${entries.map(([name, shard]) => `${JSON.stringify(name)}:${shard}`).join(",")}}`);
  const text = fc.oneof(
    { weight: 6, arbitrary: pairs.map((map) => `{"metadata":{"total_size":24},"weight_map":${map}}`) },
    {
      weight: 2,
      arbitrary: pairs.map((map) => `{"weight_map":${JSON.stringify(right).slice(0, -1)}${map === "{}" ? "" : `,${map.slice(1, -1)}`}}}`),
    },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.nat({ max: 50_000 }).map((depth) => `{"weight_map":${"[".repeat(depth)}`) },
  );
  const outcomes = { model: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(text, async (json) => {
      await writeFile(join(folder, "model.safetensors.index.json"), json);
      outcomes[await surviveOpening(folder)]++;
    }),
    { numRuns: 300 },
  );
  assert.ok(outcomes.model > 10 && outcomes.refused > 10, JSON.stringify(outcomes));
});

test("shards that are damaged", async () => {
  await using directory = await temporaryDirectory();
  const shard = tensor("a", "b");
  await writeFile(
    directory.join("model.safetensors.index.json"),
    JSON.stringify({ weight_map: { a: "one.safetensors", b: "one.safetensors" } }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: shard.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      fc.nat({ max: shard.length }),
      async (at, flip, cut) => {
        const damaged = shard.slice(0, cut < shard.length / 4 ? cut : undefined);
        if (at < damaged.length) damaged[at]! ^= flip;
        await writeFile(directory.join("one.safetensors"), damaged);
        await surviveOpening(directory.path);
      },
    ),
    { numRuns: 150 },
  );
});

test("configurations, cards and recipes of any content beside good weights", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("model.safetensors"), tensor("a"));
  const yaml = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom("a: &a [*a, *a]", "license: [mit, [x]]", "license: !!js/function x", `a: ${"[".repeat(5000)}`),
  );
  const content = fc.oneof(
    fc.json(),
    fc.string(),
    yaml.map((text) => `---\n${text}\n---\n`),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("config.json", "README.md", "recipe.json"), content, async (name, text) => {
      await writeFile(directory.join(name), text);
      await surviveOpening(directory.path);
      await rm(directory.join(name));
    }),
    { numRuns: 200 },
  );
});

test("a pipe and a folder in the place of a file are refused, and nobody waits for what never comes", async () => {
  await using directory = await temporaryDirectory();
  await promisify(execFile)("mkfifo", [directory.join("model.safetensors")]);
  assert.equal(await surviveOpening(directory.path), "refused");
  await rm(directory.join("model.safetensors"));
  await mkdir(directory.join("model.safetensors"));
  assert.equal(await surviveOpening(directory.path), "refused");
  await rm(directory.join("model.safetensors"), { recursive: true });
  await writeFile(directory.join("model.safetensors"), tensor("a"));
  await promisify(execFile)("mkfifo", [directory.join("config.json")]);
  assert.equal(await surviveOpening(directory.path), "refused");
});
