import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex, encodePng, type LabelledImage, packImages } from "#libs/image-sets";
import {
  annotations,
  buildDatasetManifest,
  buildModelManifest,
  buildSourceManifest,
  type Digest,
  digestOf,
  mediaTypes,
  type Recipe,
} from "#libs/recipes";
import { saveFloat32 } from "#libs/tensors";
import { startSystem, type TestSystem } from "../testing/system.ts";
import { createPictureGuard } from "./picture-guard.ts";

/** A picture of one pixel with this value. */
const picture = (value: number, domain: string): LabelledImage => ({
  ...{ domain, class: "owl", name: `${value}.png` },
  content: { make: () => encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(value) }) },
});

/** Imports pictures and makes the data set of them, as a trainer does. */
async function dataSet({ artifacts }: TestSystem, images: readonly LabelledImage[]): Promise<Digest> {
  const files = [];
  const packing = packImages(images, { classes: ["owl"] });
  for await (const { name, content } of packing.shards) {
    files.push(await artifacts.upload(content, { mediaType: mediaTypes.shard, annotations: { [annotations.title]: name } }));
  }
  const listed = files.map(({ digest, size }, i) => ({ path: `shard-${i}.tar`, digest, bytes: size }));
  const imported: Recipe = { kind: "import", inputs: {}, parameters: { files: listed, licence: "CC0-1.0", source: "test" } };
  const source = (await artifacts.publish(buildSourceManifest({ recipe: imported, licences: ["CC0-1.0"], files }))).digest as Digest;
  const recipe: Recipe = { kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } };
  const data = await artifacts.upload(encodeIndex(packing.index()), { mediaType: mediaTypes.datasetLayer });
  return (await artifacts.publish(buildDatasetManifest({ recipe, licences: ["CC0-1.0"], data }))).digest as Digest;
}

/** A model that says it was trained on a data set. */
async function trainedOn({ artifacts }: TestSystem, dataset: Digest): Promise<Digest> {
  const parameters = { network: { name: "mlp" }, classes: 1 };
  const recipe: Recipe = { kind: "train", inputs: { dataset }, parameters, seed: 1, arithmetic: "~train/2 images/1" };
  const weights = await artifacts.upload(saveFloat32(new Map([["w", { shape: [1], data: Float32Array.of(1) }]])), {
    mediaType: mediaTypes.weights,
  });
  const built = buildModelManifest({ recipe, licences: ["CC0-1.0"], weights, architecture: "mlp", parameterCount: 1 });
  return (await artifacts.publish(built)).digest as Digest;
}

test("pictures of the target are found in what an auxiliary learns from, and in the lineage of a ready model, by their bytes", async () => {
  await using system = await startSystem();
  const [target, apart, shared] = [
    await dataSet(system, [picture(1, "art"), picture(2, "photo")]),
    await dataSet(system, [picture(3, "web"), picture(4, "web")]),
    await dataSet(system, [picture(5, "web"), picture(2, "web")]),
  ];
  const options = { patienceMs: 1000, signal: new AbortController().signal };
  const look = async (seen: Parameters<typeof createPictureGuard>[0]["seen"], nodes: Readonly<Record<string, Digest>> = {}) => {
    const guard = createPictureGuard({ target: "data/target", seen }, system, options);
    for (const [node, digest] of Object.entries({ ...nodes, "data/target": target, other: digestOf("other") })) guard.onDone(node, digest);
    return guard.finished;
  };
  const auxiliary = [{ label: "the auxiliary web", node: "data/auxiliary/0" }];
  assert.equal(await look(auxiliary, { "data/auxiliary/0": apart }), undefined);
  assert.match(
    (await look(auxiliary, { "data/auxiliary/0": shared })) ?? "",
    /^the auxiliary web holds 1 image of the target, which has 2 different ones: .*2\.png.*; shared-pictures: allow in the run file goes on/,
  );
  assert.match((await look(auxiliary, { "data/auxiliary/0": target })) ?? "", /the data set of the target/);
  assert.equal(await look([{ label: "the foundation", model: await trainedOn(system, apart) }]), undefined);
  assert.match((await look([{ label: "the foundation", model: await trainedOn(system, shared) }])) ?? "", /^the foundation holds 1 image/);
});
