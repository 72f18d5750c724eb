import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { createArtifacts } from "#libs/artifacts";
import {
  type BuiltManifest,
  buildModelManifest,
  buildSourceManifest,
  digestOf,
  mediaTypes,
  readManifest,
  recipeInputs,
} from "#libs/recipes";
import { openBlobStore, openDatabase } from "#libs/storage";
import { LineageDirection } from "#proto/ratatouille/v1/catalog_pb.ts";
import { averageOf, bytesOf, startCatalog, weightsOf } from "../testing/system.ts";
import { migrations } from "./migrations.ts";

test("a catalog of before there was a search opens, with its lineage, and is searched", async () => {
  await using catalog = await startCatalog();
  const directory = catalog.directory.join("earlier");
  const before = migrations.findIndex(({ name }) => name === "roles of inputs");
  const file = { mediaType: mediaTypes.sourceLayer, digest: digestOf(bytesOf(1)), size: 64 };
  const parameters = { files: [{ path: "a", digest: file.digest, bytes: 64 }], licence: "MIT", source: "here" };
  const source = buildSourceManifest({ recipe: { kind: "import", inputs: {}, parameters }, licences: ["MIT"], files: [file] });
  const weights = { mediaType: mediaTypes.weights, digest: digestOf(weightsOf(2)), size: weightsOf(2).length };
  const recipe = averageOf([source.digest, source.digest], "head");
  const model = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "resnet50", parameterCount: 64 });
  {
    const store = await openBlobStore(`${directory}/blobs`);
    for (const blob of [bytesOf(1), weightsOf(2), source.config, model.config]) await store.put([blob]);
    await using database = await openDatabase({ path: `${directory}/catalog.sqlite`, migrations: migrations.slice(0, before) });
    const insert = async ({ manifest, digest }: BuiltManifest) => {
      const { kind, recipeKey, recipe, config, layers } = readManifest(manifest);
      await sql`insert into artifact (digest, kind, manifest, recipe_key, size_bytes, touched_at)
        values (${digest}, ${kind}, ${manifest}, ${recipeKey}, 1, 1)`.execute(database.query);
      for (const blob of [config, ...layers])
        await sql`insert into artifact_blob values (${digest}, ${blob.digest}, ${blob.size})`.execute(database.query);
      for (const [position, input] of recipeInputs(recipe).entries())
        await sql`insert into artifact_input values (${digest}, ${position}, ${input})`.execute(database.query);
    };
    await insert(source);
    await insert(model);
    await sql`insert into ref values ('birds/champion', ${model.digest})`.execute(database.query);
  }
  await catalog.restart(directory);
  const { client } = catalog;
  const found = await createArtifacts(catalog.channel).get(model.digest);
  assert.deepEqual([found.inputs, found.names], [[source.digest, source.digest], ["birds/champion"]]);
  const search = async (filter: string) => (await client.listArtifacts({ filter })).artifacts.map(({ digest }) => digest);
  assert.deepEqual(await search("architecture = resnet50"), [model.digest]);
  assert.deepEqual(await search(`licence = MIT recipe = import`), [source.digest]);
  const models = await client.getLineage({ digest: source.digest, direction: LineageDirection.DESCENDANTS, membersOnly: true });
  assert.deepEqual(
    models.artifacts.map(({ digest }) => digest),
    [source.digest, model.digest],
  );
});
