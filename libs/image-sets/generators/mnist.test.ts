import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { ImageSetError, type LabelledImage, packImages } from "../index.ts";
import { coloredMnist, readDigits, rotate, rotatedMnist } from "./index.ts";

type Fixture = {
  readonly count: number;
  readonly single: { readonly [angle: string]: string };
  readonly rotated: readonly { readonly rows: readonly number[]; readonly images: string }[];
  readonly coloured: readonly {
    readonly rows: readonly number[];
    readonly labels: readonly number[];
    readonly channels: readonly number[];
  }[];
};
const fixture = JSON.parse(await readFile(join(import.meta.dirname, "../../../test/fixtures/mnist/mnist.json"), "utf8")) as Fixture;
const { count } = fixture;

/** The pictures of test/fixtures/mnist/generate.py. */
function patterned(i: number): Uint8Array {
  return Uint8Array.from({ length: 784 }, (_, p) => {
    const [y, x] = [Math.floor(p / 28), p % 28];
    return x * 31 + y * 57 + x * y * 7 + 101 * i;
  });
}

function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt32BE(0x0800 + shape.length, 0);
  for (const [i, size] of shape.entries()) head.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([head, data]);
}

const pixels = Buffer.concat(Array.from({ length: count }, (_, i) => patterned(i)));
const labels = Uint8Array.from({ length: count }, (_, i) => (7 * i + 3) % 10);
const half = count / 2;
/** As MNIST has them: two files for training, two more, all packed. */
const files = new Map<string, Uint8Array>([
  ["t10k-images-idx3-ubyte.gz", gzipSync(idx([half, 28, 28], pixels.subarray(half * 784)))],
  ["t10k-labels-idx1-ubyte.gz", gzipSync(idx([half], labels.subarray(half)))],
  ["train-images-idx3-ubyte.gz", gzipSync(idx([half, 28, 28], pixels.subarray(0, half * 784)))],
  ["train-labels-idx1-ubyte.gz", gzipSync(idx([half], labels.subarray(0, half)))],
]);
const digits = readDigits(files);

/** The numbers of an image, as a decoder of others reads them: one for a pixel of a grey one. */
async function decoded({ content }: LabelledImage): Promise<Uint8Array> {
  assert.ok("make" in content);
  const image = sharp(content.make());
  const { channels } = await image.metadata();
  return (channels === 1 ? image.greyscale() : image).raw().toBuffer();
}

const byDomain = (images: Iterable<LabelledImage>) => {
  const domains = new Map<string, LabelledImage[]>();
  for (const image of images) domains.set(image.domain, [...(domains.get(image.domain) ?? []), image]);
  return domains;
};
const rowsOf = (images: readonly LabelledImage[]) => images.map(({ name }) => Number(name.slice(0, -".png".length)));

for (const [angle, expected] of Object.entries(fixture.single)) {
  test(`a picture turned by ${angle}° is Pillow's, byte by byte`, () => {
    const { data } = rotate({ width: 28, height: 28, data: patterned(1) }, Number(angle));
    assert.deepEqual(Buffer.from(data), Buffer.from(expected, "base64"));
  });
}

test("the digits for training come first, and then the others", () => {
  assert.deepEqual([digits.count, digits.labels], [count, Buffer.from(labels)]);
  assert.deepEqual(digits.picture(count - 1), { width: 28, height: 28, data: Buffer.from(patterned(count - 1)) });
});

test("rotated digits are DomainBed's: the same digits in the same order in each domain, with the same pixels", async () => {
  const { images, classes } = rotatedMnist(digits, { angles: [0, 15, 30, 45, 60, 75], seed: 0 });
  const domains = byDomain(images);
  assert.deepEqual([...domains.keys()], ["0", "15", "30", "45", "60", "75"]);
  assert.deepEqual(classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  for (const [place, found] of [...domains.values()].entries()) {
    const { rows, images: digest } = fixture.rotated[place]!;
    assert.deepEqual(rowsOf(found), rows);
    assert.ok(found.every((image, k) => image.class === String(labels[rows[k]!])));
    const grey = await Promise.all(found.map(decoded));
    assert.equal(createHash("sha256").update(Buffer.concat(grey)).digest("hex"), digest);
  }
});

test("coloured digits are DomainBed's: labels and colours as torch draws them, and nothing in blue", async () => {
  const { images, classes } = coloredMnist(digits, { flips: [0.1, 0.2, 0.9], labelNoise: 0.25, seed: 3 });
  const domains = byDomain(images);
  assert.deepEqual(
    [[...domains.keys()], classes],
    [
      ["+90%", "+80%", "-90%"],
      ["0", "1"],
    ],
  );
  for (const [place, found] of [...domains.values()].entries()) {
    const { rows, labels: expected, channels } = fixture.coloured[place]!;
    assert.deepEqual(rowsOf(found), rows);
    assert.deepEqual(
      found.map((image) => Number(image.class)),
      expected,
    );
    for (const [k, image] of found.entries()) {
      const rgb = await decoded(image);
      assert.deepEqual(
        rgb.filter((_, p) => p % 3 === channels[k]),
        Buffer.from(patterned(rows[k]!)),
      );
      assert.ok(rgb.every((value, p) => p % 3 === channels[k] || value === 0));
    }
  }
});

test("drawn images are packed in the order in which they are drawn", async () => {
  const { images, classes } = coloredMnist(digits, { flips: [0.1, 0.9], labelNoise: 0, seed: 1 });
  const packing = packImages(images, { classes });
  for await (const { bytes } of packing.shards) assert.ok(bytes > 0);
  assert.deepEqual([packing.index().count, packing.index().domains], [count, ["+90%", "-90%"]]);
});

const refused = (changes: readonly (readonly [string, Uint8Array | undefined])[], message: RegExp) => {
  const changed = new Map(files);
  for (const [name, bytes] of changes) bytes === undefined ? changed.delete(name) : changed.set(name, bytes);
  assert.throws(
    () => readDigits(changed),
    (error) => error instanceof ImageSetError && message.test(error.message),
  );
};

test("files that are no digits are refused by name", () => {
  assert.throws(() => readDigits(new Map([["a.tar", new Uint8Array(1)]])), /no idx files of digits: expected .*, found "a.tar"/);
  refused([["train-labels-idx1-ubyte.gz", undefined]], /of the idx files "train", the one of the labels is missing/);
  refused(
    [["train-labels-idx1-ubyte.gz", gzipSync(idx([3], Uint8Array.of(1, 2, 3)))]],
    /train-labels-idx1-ubyte.gz has 3 labels: expected 20/,
  );
  refused(
    [["t10k-labels-idx1-ubyte.gz", gzipSync(idx([half], new Uint8Array(half).fill(11)))]],
    /label 20 of the idx files is 11: expected 0 to 9/,
  );
  refused([["t10k-images-idx3-ubyte.gz", gzipSync(idx([half, 2, 2], new Uint8Array(half * 4)))]], /images of different sizes/);
  refused([["train-images-idx3-ubyte.gz", Buffer.from("no gzip")]], /train-images-idx3-ubyte.gz: cannot be unpacked/);
});
