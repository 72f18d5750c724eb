import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex, encodePng, type LabelledImage, nameOfRow, packImages } from "#libs/image-sets";
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
import { publishLooks } from "#libs/remote-images";
import { saveFloat32 } from "#libs/tensors";
import { startSystem, type TestSystem } from "../testing/system.ts";
import { createImageGuard } from "./image-guard.ts";

/** An image of one pixel with this value. */
const image = (value: number, domain: string): LabelledImage => ({
  ...{ domain, class: "owl", name: `${value}.png` },
  content: { make: () => encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(value) }) },
});

/** What some images look like, 64 bits each: those of the first and the third differ in two bits. */
const hashes: { readonly [name: string]: readonly [number, number] } = {
  ...{ "1.png": [0xf0f0f0f0, 0x12345678], "2.png": [0x0ff00ff0, 0x87654321] },
  ...{ "3.png": [0xf0f0f0f1, 0x12345679], "4.png": [0x33cc33cc, 0x0f1e2d3c] },
};
const { signal } = new AbortController();

/** Imports images and makes the data set of them, as a trainer does. */
async function dataSet({ artifacts }: TestSystem, images: readonly LabelledImage[]): Promise<Digest> {
  const files = [];
  const packing = packImages(images, { classes: ["owl"] });
  for await (const { name, content } of packing.shards) {
    files.push(await artifacts.upload(content, { mediaType: mediaTypes.shard, annotations: { [annotations.title]: name } }));
  }
  const listed = files.map(({ digest, size }, i) => ({ path: `shard-${i}.tar`, digest, bytes: size }));
  const imported: Recipe = { kind: "import", inputs: {}, parameters: { files: listed, licence: "CC0-1.0", source: "test" } };
  const source = (await artifacts.publish(buildSourceManifest({ recipe: imported, licences: ["CC0-1.0"], files }))).digest as Digest;
  const { sha256, name, nameEnd, count } = packing.index();
  const hash = Uint32Array.from(Array.from({ length: count }, (_, row) => hashes[nameOfRow({ name, nameEnd }, row)] ?? [0, 0]).flat());
  await publishLooks(artifacts, { source, licence: "CC0-1.0", look: async () => ({ sha256, hash }), signal });
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

test("images of the target are found in what an auxiliary learns from, and in the lineage of a ready model, by their bytes", async () => {
  await using system = await startSystem();
  const [target, apart, near, shared] = [
    await dataSet(system, [image(1, "art"), image(2, "photo")]),
    await dataSet(system, [image(4, "web"), image(6, "web")]),
    await dataSet(system, [image(3, "web"), image(4, "web")]),
    await dataSet(system, [image(5, "web"), image(2, "web")]),
  ];
  const kept: string[] = [];
  const options = { patienceMs: 1000, signal, keep: (digest: string) => void kept.push(digest) };
  const look = async (seen: Parameters<typeof createImageGuard>[0]["seen"], nodes: Readonly<Record<string, Digest>> = {}) => {
    const guard = createImageGuard({ target: "data/target", seen }, system, options);
    for (const [node, digest] of Object.entries({ ...nodes, "data/target": target, other: digestOf("other") })) guard.onDone(node, digest);
    return guard.finished;
  };
  const auxiliary = [{ label: "the auxiliary web", node: "data/auxiliary/0" }];
  assert.deepEqual(await look(auxiliary, { "data/auxiliary/0": apart }), { notes: [] });
  assert.deepEqual(await look(auxiliary, { "data/auxiliary/0": near }), {
    notes: ['1 image of the target looks nearly equal to images of the auxiliary web: "art/owl/1.png" to its "web/owl/3.png"'],
  });
  assert.ok(kept.length > 0);
  assert.match(
    (await look(auxiliary, { "data/auxiliary/0": shared })).leak ?? "",
    /^the auxiliary web holds 1 image of the target, which has 2 different ones: .*2\.png.*; shared-pictures: allow in the run file goes on/,
  );
  assert.match((await look(auxiliary, { "data/auxiliary/0": target })).leak ?? "", /the data set of the target/);
  assert.deepEqual(await look([{ label: "the foundation", model: await trainedOn(system, apart) }]), { notes: [] });
  assert.match(
    (await look([{ label: "the foundation", model: await trainedOn(system, shared) }])).leak ?? "",
    /^the foundation holds 1 image/,
  );
});
