import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { openModel, weightsDigest } from "#libs/models";
import { networkOf } from "#libs/networks";
import { layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { importModel } from "#libs/remote-models";
import { saveFloat32 } from "#libs/tensors";
import { startCatalog } from "./testing/system.ts";

const { signal } = new AbortController();
const network = networkOf("mnist-cnn", { classes: 3 });
/** A model with the tensors of the network, full of a number. */
const filled = (x: number) =>
  saveFloat32(
    new Map(network.tensors.map(({ name, shape }) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(x) }])),
  );

test("the network of an imported model is what its configuration says, or the one whose tensors it has; its bytes stay as they are", async () => {
  await using catalog = await startCatalog();
  const { artifacts, directory } = catalog;
  const stranger = saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]));
  for (const [name, config, weights, expected] of [
    ["tensors", undefined, filled(1), "mnist-cnn"],
    ["transformers", { architectures: ["ResNetForImageClassification"], model_type: "resnet" }, stranger, "ResNetForImageClassification"],
    ["timm", { architecture: "vit_tiny_patch16_224", num_classes: 2 }, filled(2), "vit_tiny_patch16_224"],
    ["nothing", undefined, saveFloat32(new Map([["w", { shape: [1], data: Float32Array.of(3) }]])), "unknown"],
  ] as const) {
    const folder = directory.join(name);
    await mkdir(folder);
    await writeFile(`${folder}/model.safetensors`, weights);
    if (config) await writeFile(`${folder}/config.json`, JSON.stringify(config));
    const model = await openModel(config ? folder : `${folder}/model.safetensors`);
    const digest = await importModel(model, await weightsDigest(model), artifacts, { signal, onSent: () => undefined });
    const manifest = readManifest((await artifacts.get(digest)).manifest);
    const { config: described } = JSON.parse(new TextDecoder().decode(await artifacts.download(manifest.config.digest)));
    assert.equal(described.architecture, expected, name);
    assert.ok(Buffer.from(weights).equals(await artifacts.download(layerOf(manifest, mediaTypes.weights).digest)), name);
  }
});
