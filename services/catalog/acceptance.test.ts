import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { annotations, canonicalJson, digestOf, type Json, mediaTypes } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { writeSafetensors } from "#libs/tensors";
import { averageOf, buildAverage, buildSource, type CatalogFixture, refusal, startCatalog, weightsOf } from "./testing/system.ts";

// What clients of other languages have sent, and what has to become of it.

type Raw = { [name: string]: unknown };
const utf8 = (text: string) => new TextEncoder().encode(text);

const weights = writeSafetensors([{ name: "fc.weight", dtype: "F32", shape: [2, 2], data: new Uint8Array(16) }]);
const config = (architecture = "mlp") => utf8(canonicalJson({ config: { architecture, format: "safetensors" } }));
const file = (content: Uint8Array, path: string) => ({ path, digest: digestOf(content), bytes: content.length });
const layer = (content: Uint8Array, mediaType: string) => ({ mediaType, digest: digestOf(content), size: content.length });

type Written = {
  parameters?: Raw;
  recipe?: string;
  notes?: Raw;
  manifest?: Raw;
  config?: Uint8Array;
  layers?: readonly unknown[];
  spaces?: number;
};

/** A manifest of an import, as somebody writes it by hand. */
function written({ parameters = {}, notes = {}, manifest = {}, spaces = 0, ...given }: Written): {
  manifest: Uint8Array;
  blobs: Uint8Array[];
} {
  const { config: configBytes = config(), layers = [layer(weights, mediaTypes.weights)] } = given;
  const all = { files: [file(weights, "model.safetensors")], licence: "MIT", source: "hand", ...parameters };
  const recipe = given.recipe ?? canonicalJson({ kind: "import", inputs: {}, parameters: all as Json });
  const value = {
    schemaVersion: 2,
    artifactType: mediaTypes.model,
    config: layer(configBytes, mediaTypes.modelConfig),
    layers,
    annotations: { [annotations.recipe]: recipe, [annotations.recipeKey]: digestOf(recipe), [annotations.licences]: "MIT", ...notes },
    ...manifest,
  };
  return { manifest: utf8(JSON.stringify(value, undefined, spaces)), blobs: [configBytes] };
}

const RECIPE = `manifest.annotations.${annotations.recipe}`;
const noWeights = utf8("{}");
const cases: readonly (readonly [string, Written, string])[] = [
  ["licences as a number", { notes: { [annotations.licences]: 5 } }, `manifest.annotations.${annotations.licences}`],
  ["licences as a list", { notes: { [annotations.licences]: ["MIT"] } }, `manifest.annotations.${annotations.licences}`],
  ["licences with markup", { notes: { [annotations.licences]: "<b>MIT" } }, `manifest.annotations.${annotations.licences}`],
  ["another licence than the recipe", { notes: { [annotations.licences]: "GPL-3.0-only" } }, `${RECIPE}.parameters.licence`],
  [
    "a licence with markup",
    { parameters: { licence: "|evil| <script>" }, notes: { [annotations.licences]: undefined } },
    `manifest.annotations.${annotations.licences}`,
  ],
  [
    "a licence of two lines",
    { parameters: { licence: "MIT\nGPL" }, notes: { [annotations.licences]: undefined } },
    `manifest.annotations.${annotations.licences}`,
  ],
  [
    "a licence of 100 kB",
    { parameters: { licence: "A".repeat(100_000) }, notes: { [annotations.licences]: undefined } },
    `manifest.annotations.${annotations.licences}`,
  ],
  [
    "half a character in a licence",
    { recipe: `{"inputs":{},"kind":"import","parameters":{"files":[],"licence":"\\ud800","source":"x"}}` },
    `${RECIPE}.parameters.licence`,
  ],
  ["half a character in an annotation", { notes: { note: "\ud83d" } }, "manifest.annotations.note"],
  ["an annotation called __proto__", { notes: JSON.parse('{"__proto__": {"a": 1}}') }, "manifest.annotations"],
  ["a summary that is no JSON", { notes: { [annotations.summary]: "{" } }, `manifest.annotations.${annotations.summary}`],
  ["a summary that is a number", { notes: { [annotations.summary]: 5 } }, `manifest.annotations.${annotations.summary}`],
  ["annotations that are a list", { manifest: { annotations: [1] } }, "manifest.annotations"],
  ["a recipe that is no text", { notes: { [annotations.recipe]: {} } }, RECIPE],
  ["a recipe with another key", { notes: { [annotations.recipeKey]: digestOf("x") } }, `manifest.annotations.${annotations.recipeKey}`],
  ["a kind that every object has", { manifest: { artifactType: "constructor" } }, "manifest.artifactType"],
  ["a kind that the recipe does not make", { manifest: { artifactType: mediaTypes.dataset } }, "manifest.artifactType"],
  ["another schema", { manifest: { schemaVersion: 1 } }, "manifest.schemaVersion"],
  ["layers that are null", { manifest: { layers: null } }, "manifest.layers"],
  ["a layer that is null", { manifest: { layers: [null] } }, "manifest.layers[0].mediaType"],
  ["a layer of 1e300 bytes", { layers: [{ ...layer(weights, mediaTypes.weights), size: 1e300 }] }, "manifest.layers[0].size"],
  ["a layer with another size", { layers: [{ ...layer(weights, mediaTypes.weights), size: 3 }] }, `${RECIPE}.parameters.files.0`],
  [
    "a layer whose annotation is a number",
    { layers: [{ ...layer(weights, mediaTypes.weights), annotations: { a: 1 } }] },
    "manifest.layers[0].annotations.a",
  ],
  ["no config", { manifest: { config: null } }, "manifest.config.mediaType"],
  ["a config of another type", { manifest: { config: layer(config(), mediaTypes.empty) } }, "manifest.config.mediaType"],
  ["an empty config", { config: utf8("{}") }, "manifest.config.config.architecture"],
  ["a config that is no JSON", { config: utf8("{") }, "manifest.config"],
  ["a config that is null", { config: utf8("null") }, "manifest.config.config.architecture"],
  ["a model without weights", { layers: [layer(weights, "text/plain")] }, "manifest.layers"],
  [
    "a model with two files of weights",
    { layers: [layer(weights, mediaTypes.weights), layer(weights, mediaTypes.weights)] },
    "manifest.layers",
  ],
  [
    "weights that are no safetensors",
    { parameters: { files: [file(noWeights, "m")] }, layers: [layer(noWeights, mediaTypes.weights)] },
    "manifest.layers",
  ],
  [
    "a file with a digest that is none",
    { parameters: { files: [{ ...file(weights, "m"), digest: "zzz" }] } },
    `${RECIPE}.parameters.files.0.digest`,
  ],
  [
    "a file that no layer is",
    { parameters: { files: [{ ...file(weights, "m"), digest: digestOf("other") }] } },
    `${RECIPE}.parameters.files.0`,
  ],
  ["a file with a path of 100 kB", { parameters: { files: [file(weights, "p".repeat(100_000))] } }, `${RECIPE}.parameters.files.0.path`],
  ["a file outside", { parameters: { files: [file(weights, "../m")] } }, `${RECIPE}.parameters.files.0.path`],
  ["two files with one path", { parameters: { files: [file(weights, "m"), file(weights, "m")] } }, `${RECIPE}.parameters.files.1.path`],
  ["a source of two lines", { parameters: { source: "a\nb" } }, `${RECIPE}.parameters.source`],
  [
    "a parameter that every object has",
    { recipe: canonicalJson({ kind: "import", inputs: {}, parameters: { constructor: 1 } }) },
    `${RECIPE}.parameters`,
  ],
];

async function listed({ client }: CatalogFixture): Promise<number> {
  return (await client.listArtifacts({})).artifacts.length;
}

test("what nobody could use is refused, naming the field, and its recipe stays free", async () => {
  await using catalog = await startCatalog();
  for (const content of [weights, noWeights]) await catalog.artifacts.upload(content, { mediaType: mediaTypes.weights });
  for (const [title, given, field] of cases) {
    const refused = await refusal(catalog.client.publishArtifact(written(given)), Code.INVALID_ARGUMENT, "INVALID_FIELD");
    assert.equal(refused.violations[0]?.field, field, `${title}: ${refused.message}`);
    assert.ok(refused.message.length < 1500, title);
  }
  assert.equal(await listed(catalog), 0);
  const right = written({});
  const published = await catalog.client.publishArtifact(right);
  assert.equal(published.existed, false);
  assert.deepEqual(published.artifact?.manifest, right.manifest);
});

test("clients that write the same in other words have published one artifact, whose bytes are those of the first", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  await artifacts.upload(weights, { mediaType: mediaTypes.weights });
  const first = written({ spaces: 2, config: utf8('{ "config": {"format": "safetensors",\n"architecture": "mlp"}}') });
  const { artifact } = await client.publishArtifact(first);
  for (const same of [written({}), written({ spaces: 1 }), first]) {
    const again = await client.publishArtifact(same);
    const { publishedAtMs = 0n } = again.artifact ?? {};
    assert.deepEqual([again.existed, again.artifact], [true, { ...artifact, publishedAtMs }]);
  }
  assert.deepEqual((await artifacts.get(artifact!.digest)).manifest, first.manifest);
  const other = await refusal(client.publishArtifact(written({ config: config("resnet") })), Code.ALREADY_EXISTS, "RECIPE_NOT_REPRODUCED");
  assert.match(other.message, /same files were imported before, as sha256:.* delete it first/);
  assert.equal(other.metadata["existing"], artifact!.digest);
  assert.equal(await listed(catalog), 1);
});

test("an import that is described wrongly can be deleted and made again, unless something needs it", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  await artifacts.upload(weights, { mediaType: mediaTypes.weights });
  const digest = (await client.publishArtifact(written({}))).artifact!.digest as `sha256:${string}`;
  const needed = () => refusal(client.deleteArtifact({ digest }), Code.FAILED_PRECONDITION, "ARTIFACT_NEEDED");
  await client.moveRef({ name: "hand/made", to: digest });
  assert.match((await needed()).message, /the ref hand\/made/);
  await client.moveRef({ name: "hand/made", from: digest, to: "" });
  await client.pin({ holder: "run/1", digests: [digest] });
  assert.match((await needed()).message, /the pin of run\/1/);
  await client.unpin({ holder: "run/1" });
  const average = await artifacts.publish(await buildAverage(artifacts, averageOf([digest], "x"), weightsOf(6)));
  assert.match((await needed()).message, new RegExp(`the artifact ${average.digest}`));
  await client.deleteArtifact({ digest: average.digest });
  await client.deleteArtifact({ digest });
  await refusal(client.deleteArtifact({ digest }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  await refusal(client.deleteArtifact({ digest: digest.slice(0, 20) }), Code.INVALID_ARGUMENT, "INVALID_FIELD");
  assert.equal((await client.publishArtifact(written({ config: config("resnet") }))).existed, false);
});

test("an artifact of an earlier version that nobody can use gives way to one that can be used", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts, directory } = catalog;
  await artifacts.upload(weights, { mediaType: mediaTypes.weights });
  const right = written({});
  const { digest } = (await client.publishArtifact(right)).artifact!;
  await client.deleteArtifact({ digest });
  // As earlier versions took it: with a config that says nothing.
  const bad = written({ config: utf8("{}") });
  await artifacts.upload(utf8("{}"), { mediaType: mediaTypes.empty });
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(directory.join("data", "catalog.sqlite"));
  const key = JSON.parse(new TextDecoder().decode(bad.manifest)).annotations[annotations.recipeKey];
  database
    .prepare("insert into artifact (digest, kind, manifest, recipe_key, size_bytes, touched_at) values (?, 'model', ?, ?, 2, 0)")
    .run(digestOf(bad.manifest), bad.manifest, key);
  database.close();
  const byKey = { name: { case: "recipeKey", value: key } } as const;
  assert.equal((await client.getArtifact(byKey)).artifact?.digest, digestOf(bad.manifest));

  assert.deepEqual((await client.publishArtifact(right)).existed, false);
  assert.equal((await client.getArtifact(byKey)).artifact?.digest, digest);
  await refusal(client.publishArtifact(bad), Code.INVALID_ARGUMENT, "INVALID_FIELD");
  // One that can be used does not give way.
  await refusal(client.publishArtifact(written({ config: config("resnet") })), Code.ALREADY_EXISTS, "RECIPE_NOT_REPRODUCED");
  await rm(catalog.blobPath(digestOf(config())));
  assert.equal((await client.publishArtifact(written({ config: config("resnet") }))).existed, false);
});

test("texts that names, pins and lists are asked with are short and on one line", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  const fieldOf = async (call: Promise<unknown>) => (await refusal(call, Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field;
  assert.equal(await fieldOf(client.getArtifact({ name: { case: "ref", value: "a\nb" } })), "ref");
  assert.equal(await fieldOf(client.getArtifact({ name: { case: "digest", value: "😀".repeat(20_000) } })), "digest");
  assert.equal(await fieldOf(client.moveRef({ name: "a", to: digest, reason: "a\u0000b" })), "reason");
  assert.equal(await fieldOf(client.moveRef({ name: "a".repeat(201), to: digest })), "name");
  assert.equal(await fieldOf(client.listRefs({ prefix: "x".repeat(201) })), "prefix");
  assert.equal(await fieldOf(client.pin({ holder: "run/1\n", digests: [digest] })), "holder");
  assert.equal(await fieldOf(client.unpin({ holder: "" })), "holder");
  assert.equal(await fieldOf(client.pin({ holder: "run/1", digests: Array(50_001).fill(digest) })), "digests");
});
