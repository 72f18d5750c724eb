import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { decodeImage } from "./decode.ts";
import { MAX_PIXELS } from "./read-image.ts";
import { largestDifference } from "./testing/compare.ts";
import { greyPng } from "./testing/png.ts";

// Read by Pillow: test/fixtures/images/generate.py.
const folder = new URL("../../test/fixtures/images/decoding/", import.meta.url);
const read = (name: string) => readFile(new URL(name, folder));
const cases: readonly { file: string; expected: string }[] = JSON.parse(await readFile(new URL("cases.json", folder), "utf8"));
const text = (content: string) => new TextEncoder().encode(content);

for (const { file, expected } of cases) {
  test(`${file} has the pixels that Pillow reads`, async () => {
    const actual = await decodeImage(await read(file), { channels: 3 });
    assert.equal(largestDifference(actual, await decodeImage(await read(expected), { channels: 3 })), 0);
  });
}

test("a picture in one channel is the grey that Pillow makes of it", async () => {
  const grey = await decodeImage(await read("alpha.png"), { channels: 1 });
  assert.equal(largestDifference(grey, await decodeImage(await read("grey.png"), { channels: 1 })), 0);
});

test("of 16 bits the upper 8 are taken", async () => {
  const numbers = Uint8Array.of(0, 0, 0, 255, 1, 0, 0x7f, 0xff, 0x80, 0, 255, 255);
  const { pixels } = await decodeImage(greyPng({ width: 6, height: 1, bits: 16 }, [numbers]), { channels: 1 });
  assert.deepEqual([...pixels], [0, 0, 1, 127, 128, 255]);
});

for (const file of ["chroma-420.jpg", "progressive.jpg", "turned-3.jpg", "alpha.png", "palette.png", "lossy.webp", "palette.gif"]) {
  test(`${file} is refused where it is cut short, wherever that is`, async () => {
    const bytes = await read(file);
    for (const share of [0.5, 0.8, 0.95]) {
      await assert.rejects(decodeImage(bytes.subarray(0, bytes.length * share), { channels: 3 }), {
        name: "ImageError",
        kind: "cut-short",
        message: /^the (JPEG|PNG|WebP|GIF) file is cut short$/,
      });
    }
  });
}

test("bytes after the end of a JPEG do not matter", async () => {
  const bytes = await read("chroma-420.jpg");
  const longer = await decodeImage(Buffer.concat([bytes, text("and more")]), { channels: 3 });
  assert.equal(largestDifference(longer, await decodeImage(bytes, { channels: 3 })), 0);
});

test("a damaged file is refused", async () => {
  const bytes = Buffer.from(await read("alpha.png"));
  bytes.fill(0, 60, 400);
  await assert.rejects(decodeImage(bytes, { channels: 3 }), { kind: "unreadable", message: /^the PNG file cannot be read: / });
});

for (const [what, bytes, kind, message] of [
  ["an empty file", new Uint8Array(), "empty-file", "the file is empty"],
  [
    "a text",
    text("hello, world, this is no image"),
    "not-an-image",
    'no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with "hello, world, th"',
  ],
  ["a drawing", text("<svg/>"), "not-an-image", 'no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with "<svg/>"'],
  ["the head of a JPEG", Uint8Array.of(0xff, 0xd8, 0xff), "cut-short", "the JPEG file is cut short"],
] as const) {
  test(`${what} is refused`, async () => {
    await assert.rejects(decodeImage(bytes, { channels: 3 }), { name: "ImageError", kind, message });
  });
}

test("an image of too many pixels is refused, and its size said", async () => {
  const options = { channels: 3, maxPixels: 1000 } as const;
  const expected = { kind: "too-many-pixels", message: "37 x 29 pixels: images of more than 1,000 are not read" };
  await assert.rejects(decodeImage(await read("alpha.png"), options), expected);
});

test("the limit is 100 million pixels", async () => {
  assert.equal(MAX_PIXELS, 100e6);
  const expected = { kind: "too-many-pixels", message: "20000 x 20000 pixels: images of more than 100,000,000 are not read" };
  await assert.rejects(decodeImage(greyPng({ width: 20000, height: 20000, bits: 8 }, []), { channels: 3 }), expected);
});
