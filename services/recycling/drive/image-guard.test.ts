import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex, encodePng, type LabelledImage, nameOfRow, packImages } from "#libs/image-sets";
import {
  annotations,
  buildDatasetManifest,
  buildModelManifest,
  buildSourceManifest,
  buildSplitManifest,
  type Digest,
  digestOf,
  mediaTypes,
  type Recipe,
} from "#libs/recipes";
import { publishLooks } from "#libs/remote-images";
import { encodeSplit } from "#libs/splits";
import { saveFloat32 } from "#libs/tensors";
import { startSystem, type TestSystem } from "../testing/system.ts";
import { createImageGuard } from "./image-guard.ts";

/** An image of one pixel with this value. */
const image = (value: number, domain: string, name = value): LabelledImage => ({
  ...{ domain, class: "owl", name: `${name}.png` },
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

/** A model that says it was trained on a data set, or on the rows of a split of it. */
async function trainedOn({ artifacts }: TestSystem, dataset: Digest, split?: Digest): Promise<Digest> {
  const parameters = { network: { name: "mlp" }, classes: 1 };
  const recipe: Recipe = {
    kind: "train",
    inputs: { dataset, ...(split ? { split } : {}) },
    parameters,
    seed: 1,
    arithmetic: "~train/2 images/1",
  };
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
  const look = async (
    seen: Parameters<typeof createImageGuard>[0]["seen"],
    nodes: Readonly<Record<string, Digest>> = {},
    allowed = false,
  ) => {
    const guard = createImageGuard({ target: "data/target", seen, heldOutItems: 0, allowed }, system, options);
    for (const [node, digest] of Object.entries({ "data/target": target, ...nodes, other: digestOf("other") })) guard.onDone(node, digest);
    return guard.finished;
  };
  const auxiliary = [{ label: "the auxiliary web", node: "data/auxiliary/0" }];
  assert.deepEqual(await look(auxiliary, { "data/auxiliary/0": apart }), { notes: [] });
  assert.deepEqual(await look(auxiliary, { "data/auxiliary/0": near }), {
    notes: ['1 image of the target looks nearly equal to images of the auxiliary web: "art/owl/1.png" to its "web/owl/3.png"'],
  });
  assert.ok(kept.length > 0);
  const twice = await dataSet(system, [image(1, "art"), image(1, "photo")]);
  assert.match(
    (await look([], { "data/target": twice })).notes.join(),
    /^1 image of the target is in several of its domains, such as "art\/owl\/1\.png"/,
  );
  assert.match(
    (await look(auxiliary, { "data/auxiliary/0": shared })).leak ?? "",
    /^the auxiliary web holds 1 image of the target, which has 2 different ones: .*2\.png.*; shared-images: allow in the run file goes on/,
  );
  assert.match((await look(auxiliary, { "data/auxiliary/0": target })).leak ?? "", /the data set of the target/);
  const goesOn = await look(auxiliary, { "data/auxiliary/0": target }, true);
  assert.deepEqual(goesOn, { notes: ["the auxiliary web was trained on the data set of the target"] });
  assert.deepEqual(await look([{ label: "the foundation", model: await trainedOn(system, apart) }]), { notes: [] });
  assert.match(
    (await look([{ label: "the foundation", model: await trainedOn(system, shared) }])).leak ?? "",
    /^the foundation holds 1 image/,
  );
});

/** A split that holds out a share of the items of a data set. */
async function splitOf({ artifacts }: TestSystem, dataset: Digest, test: number): Promise<Digest> {
  const recipe: Recipe = { kind: "split", inputs: { dataset }, parameters: { scheme: "items/1", fraction: 0, trial: 0, test } };
  const none = new Int32Array();
  const bytes = encodeSplit([{ domain: "web", training: none, validation: none, test: none }]);
  const rows = await artifacts.upload(bytes, { mediaType: mediaTypes.splitLayer });
  return (await artifacts.publish(buildSplitManifest({ recipe, licences: ["CC0-1.0"], rows }))).digest as Digest;
}

test("a ready model that has learned items that are held out, in another style, is told of, unless its own training held them out", async () => {
  await using system = await startSystem();
  // Of the items 0 to 9 a share of 0.2 holds out 7 and 8.
  const target = await dataSet(
    system,
    Array.from({ length: 10 }, (_, i) => image(i, "art")),
  );
  const web = await dataSet(system, [image(101, "web", 1), image(107, "web", 7)]);
  const leakOf = async (model: Digest, heldOutItems: number) => {
    const lessons = { target: "data/target", seen: [{ label: "the auxiliary web", model }], heldOutItems, allowed: false };
    const guard = createImageGuard(lessons, system, { patienceMs: 1000, signal, keep: () => undefined });
    guard.onDone("data/target", target);
    return (await guard.finished).leak;
  };
  const all = await trainedOn(system, web);
  assert.equal(await leakOf(all, 0), undefined);
  assert.match(
    (await leakOf(all, 0.2)) ?? "",
    /^the auxiliary web was trained on 1 of the 2 items of the target that are held out, by the names of its images: "7"; shared-images: allow/,
  );
  assert.equal(await leakOf(await trainedOn(system, web, await splitOf(system, web, 0.2)), 0.2), undefined);
  assert.match((await leakOf(await trainedOn(system, web, await splitOf(system, web, 0.18)), 0.2)) ?? "", /on 1 of the 2 items/);
});
