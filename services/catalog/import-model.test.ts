import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { openModel, weightsDigest } from "#libs/models";
import { digestOf, mediaTypes, readManifest } from "#libs/recipes";
import { importModel } from "#libs/remote-models";
import { Code } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { ImportModelRequestSchema } from "#proto/ratatouille/v1/catalog_pb.ts";
import { buildSource, type CatalogFixture, refusal, startCatalog } from "./testing/system.ts";

let catalog: CatalogFixture;
before(async () => {
  catalog = await startCatalog();
});
after(() => catalog[Symbol.asyncDispose]());

const fileOf = (value: number) => saveFloat32(new Map([["w", { shape: [3], data: Float32Array.of(value, 2, 3) }]]), { format: "pt" });

async function upload(file: Uint8Array): Promise<string> {
  return (await catalog.artifacts.upload(file, { mediaType: mediaTypes.weights })).digest;
}

test("a file becomes a model, and equal requests are one", async () => {
  const [digest, foundation] = [await upload(fileOf(1)), await upload(fileOf(2))];
  const { artifact: base } = await catalog.client.importModel({ files: [{ digest: foundation }], source: "timm/resnet18.a1_in1k" });
  const request = {
    files: [{ digest }],
    licence: "apache-2.0 AND CC-BY-4.0",
    source: "https://example.org/birds",
    architecture: "resnet18",
    base: base!.digest,
  };
  const { artifact, existed } = await catalog.client.importModel(request);
  assert.equal(existed, false);
  assert.equal(artifact?.kind, ArtifactKind.MODEL);
  assert.deepEqual(artifact.inputs, [base!.digest]);
  const manifest = readManifest(artifact.manifest);
  assert.deepEqual(manifest.licences, ["Apache-2.0", "CC-BY-4.0"]);
  assert.deepEqual(readManifest(base!.manifest).licences, ["LicenseRef-unknown"]);
  assert.equal(manifest.layers[0]?.digest, digest);
  const { config } = JSON.parse(Buffer.from(await catalog.artifacts.download(manifest.config.digest)).toString());
  assert.deepEqual(config, { architecture: "resnet18", format: "safetensors", paramSize: "3", precision: "float32" });
  const again = await catalog.client.importModel(request);
  assert.deepEqual([again.artifact?.digest, again.existed], [artifact.digest, true]);
  await refusal(catalog.client.importModel({ ...request, architecture: "resnet50" }), Code.ALREADY_EXISTS, "RECIPE_NOT_REPRODUCED");
});

test("it is the model that `ratatouille import` makes of the file", async () => {
  const path = catalog.directory.join("soup.safetensors");
  await writeFile(path, fileOf(5));
  const model = { ...(await openModel(path)), licences: ["MIT"] };
  const options = { signal: new AbortController().signal, onSent: () => {} };
  const expected = await importModel(model, await weightsDigest(model), catalog.artifacts, options);
  const digest = digestOf(fileOf(5));
  const { artifact, existed } = await catalog.client.importModel({ files: [{ digest }], licence: "MIT", source: "soup.safetensors" });
  assert.deepEqual([artifact?.digest, existed], [expected, true]);
});

test("what is wrong is said of its field, and nothing is published", async () => {
  const digest = await upload(fileOf(7));
  const [strange, source] = [
    await upload(Buffer.from("no safetensors")),
    await catalog.artifacts.publish(await buildSource(catalog.artifacts, 1)),
  ];
  const right = { files: [{ digest }], licence: "MIT", source: "hub" };
  const before = (await catalog.client.listArtifacts({})).artifacts.length;
  const wrong: [MessageInitShape<typeof ImportModelRequestSchema>, string][] = [
    [{ files: [] }, "files"],
    [{ files: [{ digest }, { digest }] }, "files"],
    [{ files: [{}] }, "files[0].digest"],
    [{ files: [{ digest: strange }] }, "files[0].digest"],
    [{ licence: "my own" }, "licence"],
    [{ licence: "<b>MIT</b>" }, "licence"],
    [{ licence: `MIT${" AND MIT".repeat(200)}` }, "licence"],
    [{ source: "" }, "source"],
    [{ source: "two\nlines" }, "source"],
    [{ architecture: "a".repeat(201) }, "architecture"],
    [{ base: "main" }, "base"],
    [{ base: source.digest }, "base"],
  ];
  for (const [change, field] of wrong) {
    const error = await refusal(catalog.client.importModel({ ...right, ...change }), Code.INVALID_ARGUMENT, "INVALID_FIELD");
    assert.equal(error.violations[0]?.field, field, error.message);
  }
  const nowhere = digestOf("nowhere");
  await refusal(catalog.client.importModel({ ...right, files: [{ digest: nowhere }] }), Code.NOT_FOUND, "BLOB_NOT_FOUND");
  await refusal(catalog.client.importModel({ ...right, base: nowhere }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  assert.equal((await catalog.client.listArtifacts({})).artifacts.length, before);
});
