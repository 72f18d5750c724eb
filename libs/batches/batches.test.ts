import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { openStream, PURPOSE } from "#libs/deterministic";
import { packImages } from "#libs/image-sets";
import { applyOperations, decodeImage, drawOperations, presetOf } from "#libs/images";
import { temporaryDirectory } from "#libs/testing";
import { eachBatch } from "./each-batch.ts";
import { imagesOfIndex } from "./images-of-index.ts";
import { type Loader, openLoader } from "./loader.ts";
import { setup } from "./prepare-thread.ts";
import { openSampling, placeOf } from "./sampling.ts";
import { fixtureImages } from "./testing/images.ts";
import { openBatches } from "./training-batches.ts";
import type { Batch, ImageRows, PictureShape } from "./types.ts";

const images = fixtureImages();
const domains = [
  [0, 1, 2, 3, 4],
  [5, 6, 7, 8, 9, 10, 11],
];
const shape: PictureShape = { channels: 3, height: 20, width: 24 };
const training = { domains, seed: 9, batch: 3, replacement: false, transform: "domainbed/1" };
const rgb = { images, shape, threads: 0, cacheBytes: 0 };

/** The batches of steps from one to six. */
async function train(loader: Loader, fromStep = 1): Promise<Batch[]> {
  await using source = openBatches({ loader, ...training, fromStep });
  const batches: Batch[] = [];
  for (let step = fromStep; step <= 6; step++) batches.push(await source.batch(step));
  return batches;
}

await using reference = openLoader(rgb);
const expected = await train(reference);

test("a batch has the rows that are drawn, each read and transformed alone", async () => {
  const samplesOf = openSampling({ ...training, sizes: [5, 7] });
  const samples = samplesOf(2);
  const rows = samples.map(({ domain, index }) => domains[domain]![index]!);
  assert.deepEqual(
    [...expected[1]!.labels],
    rows.map((row) => row % 3),
  );
  assert.equal(expected[1]!.rows, 6);
  for (const [i, { domain, position }] of samples.entries()) {
    const { path } = images.fileOf(rows[i]!);
    const picture = await decodeImage(await readFile(path), { channels: 3 });
    const stream = openStream([9, PURPOSE.augmentation], placeOf(domain, position));
    const { pixels } = applyOperations(picture, drawOperations(presetOf("domainbed/1"), picture, shape, stream), shape);
    assert.deepEqual(expected[1]!.pixels.subarray(i * pixels.length, (i + 1) * pixels.length), pixels);
  }
});

for (const [threads, cacheBytes] of [
  [0, 20_000],
  [0, 1e9],
  [1, 1e9],
  [3, 0],
  [3, 20_000],
] as const) {
  test(`${threads} threads that may keep ${cacheBytes} bytes make the same batches, from any step on`, async () => {
    await using loader = openLoader({ ...rgb, threads, cacheBytes });
    assert.deepEqual(await train(loader), expected);
    assert.ok(loader.keptBytes <= cacheBytes);
    assert.equal(loader.keptBytes > 0, cacheBytes > 0);
    assert.deepEqual(await train(loader, 4), expected.slice(3));
  });
}

test("what a thread hands back to be kept is at most what there is room for, of all pictures together", async () => {
  const runner = setup();
  const tasks = domains.flat().map((row) => ({ name: images.nameOf(row), draw: undefined, from: { file: images.fileOf(row) } }));
  const keptOf = async (room: number) => {
    const { kept } = await runner.run({ transform: "domainbed/1", shape, tasks, room });
    return kept.flatMap((picture) => picture?.pixels.length ?? []);
  };
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  const all = await keptOf(Number.POSITIVE_INFINITY);
  assert.equal(all.length, tasks.length);
  const room = Math.floor(sum(all) / 3);
  const kept = await keptOf(room);
  assert.ok(kept.length > 1 && sum(kept) <= room);
  assert.deepEqual(await keptOf(0), []);
  runner.close();
});

test("pictures that are larger than their share of the room are not kept, and batches are the same", async () => {
  await using loader = openLoader({ ...rgb, threads: 3, cacheBytes: 3000 });
  assert.deepEqual(await train(loader), expected);
  assert.equal(loader.keptBytes, 0);
});

test("a file is read once where all can be kept, and the transformed picture is kept where nothing is drawn", async () => {
  const reads: number[] = [];
  const fileOf = (row: number) => {
    reads.push(row);
    return images.fileOf(row);
  };
  const counted: ImageRows = { ...images, fileOf };
  await using loader = openLoader({ ...rgb, images: counted, cacheBytes: 1e9 });
  const pass = () => Array.fromAsync(eachBatch({ loader, rows: [3, 1, 2], batch: 2, transform: "resize/1" }));
  const first = await pass();
  assert.equal(loader.keptBytes, 3 * 20 * 24 * 3);
  assert.deepEqual(await pass(), first);
  assert.deepEqual(reads, [3, 1, 2]);
});

test("a pass has all rows in their order, in batches of which the last may be smaller", async () => {
  await using loader = openLoader({ ...rgb, threads: 2 });
  const rows = Int32Array.of(8, 3, 5, 3, 1, 0, 11);
  const batches = await Array.fromAsync(eachBatch({ loader, rows, batch: 3, transform: "resize/1" }));
  assert.deepEqual(
    batches.map((batch) => [batch.rows, [...batch.labels], batch.pixels.length]),
    [
      [3, [2, 0, 2], 3 * 1440],
      [3, [0, 1, 0], 3 * 1440],
      [1, [2], 1440],
    ],
  );
  assert.deepEqual(await Array.fromAsync(eachBatch({ loader, rows: [], batch: 3, transform: "resize/1" })), []);
});

test("a pass that draws needs a seed, and then draws the same each time", async () => {
  await using loader = openLoader(rgb);
  const pass = (seed: number) => Array.fromAsync(eachBatch({ loader, rows: [4, 5], batch: 2, transform: "domainbed/1", seed }));
  assert.deepEqual(await pass(3), await pass(3));
  assert.notDeepEqual(await pass(3), await pass(4));
  const without = Array.fromAsync(eachBatch({ loader, rows: [4], batch: 2, transform: "domainbed/1" }));
  await assert.rejects(without, { name: "RangeError", message: "domainbed/1 draws at random, and there is no seed" });
});

test("leaving a pass ends it", async () => {
  await using loader = openLoader({ ...rgb, threads: 1 });
  for await (const _ of eachBatch({ loader, rows: domains.flat(), batch: 1, transform: "resize/1" })) break;
});

test("one channel is grey, and two are red and green of the transformed picture", async () => {
  const load = async (channels: 1 | 2 | 3) => {
    await using loader = openLoader({ ...rgb, shape: { ...shape, channels } });
    return (await loader.load([{ row: 3 }], "resize/1")).pixels;
  };
  const [grey, two, three] = [await load(1), await load(2), await load(3)];
  assert.deepEqual([grey.length, two.length], [480, 960]);
  assert.deepEqual(
    [...two],
    [...three].filter((_, i) => i % 3 < 2),
  );
});

test("images of the network's size go through unchanged by none/1, and others are an error that names them", async () => {
  await using fitting = openLoader({ ...rgb, shape: { channels: 3, height: 29, width: 37 } });
  const { path } = images.fileOf(0);
  const { pixels } = await decodeImage(await readFile(path), { channels: 3 });
  assert.deepEqual((await fitting.load([{ row: 0 }], "none/1")).pixels, pixels);
  await using other = openLoader({ ...rgb, threads: 1 });
  await assert.rejects(other.load([{ row: 0 }], "none/1"), {
    name: "ImageError",
    kind: "size",
    message: `${images.nameOf(0)} has 37 x 29 pixels, and the network takes 24 x 20: none/1 changes no size`,
  });
});

for (const threads of [0, 2]) {
  test(`an image that cannot be read is named on ${threads} threads, and the others can be read after it`, async () => {
    await using directory = await temporaryDirectory();
    await writeFile(directory.join("text.jpg"), "no image at all");
    const broken: ImageRows = {
      ...images,
      fileOf: (row) => (row === 6 ? { path: directory.join("text.jpg"), offset: 0, bytes: 15 } : images.fileOf(row)),
      nameOf: (row) => `art/dog/${row}.jpg`,
    };
    await using loader = openLoader({ ...rgb, images: broken, threads });
    await assert.rejects(loader.load([{ row: 1 }, { row: 6 }, { row: 2 }], "resize/1"), {
      name: "ImageError",
      kind: "not-an-image",
      message: 'art/dog/6.jpg: no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with "no image at all"',
    });
    assert.equal((await loader.load([{ row: 1 }], "resize/1")).rows, 1);
  });
}

test("a shard that is too short is an error of its file, not of the image, and names both", async () => {
  const short: ImageRows = { ...images, fileOf: (row) => ({ ...images.fileOf(row), bytes: 1e6 }) };
  await using loader = openLoader({ ...rgb, images: short });
  const { path, bytes } = images.fileOf(2);
  await assert.rejects(loader.load([{ row: 2 }], "resize/1"), {
    name: "Error",
    message: `${images.nameOf(2)}: ${path} ends ${1e6 - bytes} bytes before the image does`,
  });
});

test("steps come one after another", async () => {
  await using loader = openLoader(rgb);
  await using source = openBatches({ loader, ...training, fromStep: 5 });
  await assert.rejects(source.batch(4), { name: "RangeError", message: "step 4 was asked for, and 5 comes next" });
  await source.batch(5);
  await assert.rejects(source.batch(5), { name: "RangeError" });
});

test("a domain without rows is an error", async () => {
  await using loader = openLoader(rgb);
  const open = () => openBatches({ loader, ...training, domains: [[1], []] });
  assert.throws(open, { name: "RangeError", message: "domain 1 has no rows: there is nothing to draw from" });
});

test("an index and its shards are images: files, classes and names", async () => {
  await using directory = await temporaryDirectory();
  const contents = await Promise.all(domains[0]!.map((row) => readFile(images.fileOf(row).path)));
  const set = contents.map((bytes, i) => ({
    domain: "art",
    class: i < 2 ? "cat" : "dog",
    name: `${i}.png`,
    content: { make: () => bytes },
  }));
  const packing = packImages(set, { classes: ["cat", "dog"] });
  for await (const { digest, content } of packing.shards) await writeFile(directory.join(digest.slice(7)), content);
  const rows = imagesOfIndex(packing.index(), ({ digest }) => directory.join(digest.slice(7)));
  assert.deepEqual([...rows.labels], [0, 0, 1, 1, 1]);
  assert.equal(rows.nameOf(2), "art/dog/2.png");
  await using packed = openLoader({ ...rgb, images: rows });
  await using loose = openLoader(rgb);
  const wanted = domains[0]!.map((row) => ({ row }));
  assert.deepEqual((await packed.load(wanted, "resize/1")).pixels, (await loose.load(wanted, "resize/1")).pixels);
});
