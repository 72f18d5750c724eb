import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { decodeImage } from "../decode.ts";
import { readEighth } from "./eighth.ts";

const sizeOf = (bytes: Uint8Array) => readEighth(bytes)?.size;

// Written by Pillow: test/fixtures/images/generate.py.
const folder = new URL("../../../test/fixtures/images/decoding/", import.meta.url);
const read = (name: string) => readFile(new URL(`${name}.jpg`, folder));

const FILES = ["chroma-420", "chroma-422", "chroma-444", "grey", "restarts"] as const;
const files = await Promise.all(FILES.map(read));

test("the size of a whole JPEG is found, whatever its sampling, restarts and segments", async () => {
  const found = files.map((bytes) => sizeOf(bytes));
  const plain = { width: 37, height: 29 };
  assert.deepEqual(found, [plain, plain, plain, plain, plain]);
  const described = sharp(files[0])
    .withExif({ IFD0: { Copyright: "nobody" } })
    .withIccProfile("p3");
  assert.deepEqual(sizeOf(await described.jpeg({ quality: 100 }).toBuffer()), plain);
  assert.deepEqual(sizeOf(Buffer.concat([files[0]!, Buffer.from("and more")])), plain);
});

test("the greys are the means of blocks of what Pillow reads", async () => {
  for (const bytes of [files[0]!, files[3]!, files[4]!]) {
    const { eighth } = readEighth(bytes)!;
    const { pixels } = await decodeImage(bytes, { channels: 1 });
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 4; x++) {
        let sum = 0;
        for (let i = 0; i < 64; i++) sum += pixels[(8 * y + (i >> 3)) * 37 + 8 * x + (i & 7)]!;
        const difference = Math.abs(eighth.values[y * eighth.width + x]! - sum / 64);
        assert.ok(difference < 4, `${difference} at ${x}, ${y}`);
      }
    }
    assert.deepEqual(eighth.extent, { width: 37 / 8, height: 29 / 8 });
  }
});

test("inks, several scans and what is turned are left to others", async () => {
  const others = await Promise.all(["inks", "progressive", "turned-3", "turned-8"].map(read));
  assert.deepEqual(others.map(sizeOf), [undefined, undefined, undefined, undefined]);
});

test("a file that is cut short is left to others, wherever that is", () => {
  for (const bytes of files) {
    for (let length = 0; length < bytes.length; length++) assert.equal(sizeOf(bytes.subarray(0, length)), undefined);
  }
});

test("data that are no codes, too few or too many are left to others, even between right markers", () => {
  for (const bytes of files) {
    const end = bytes.length - 2;
    const without = Buffer.concat([bytes.subarray(0, end - 40), bytes.subarray(end)]);
    const twice = Buffer.concat([bytes.subarray(0, end), bytes.subarray(end - 40)]);
    assert.deepEqual([sizeOf(without), sizeOf(twice)], [undefined, undefined]);
  }
  const restarts = Buffer.from(files[FILES.indexOf("restarts")]!);
  restarts[restarts.indexOf("ffd1", "hex") + 1]! ^= 2;
  assert.equal(sizeOf(restarts), undefined);
});

test("what is taken for whole is decoded by libvips with the same size, whatever bytes are changed", async () => {
  // Most in what comes before the data, which says how they are to be read.
  const anyPlace = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 620 }) }, { weight: 1, arbitrary: fc.nat({ max: 2000 }) });
  const anyByte = fc.oneof(fc.constantFrom(0, 1, 0xc4, 0xd9, 0xda, 0xff), fc.nat({ max: 255 }));
  const anyChanges = fc.array(fc.tuple(anyPlace, anyByte), { minLength: 1, maxLength: 3 });
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), anyChanges, async (bytes, changes) => {
      const changed = Uint8Array.from(bytes);
      for (const [place, byte] of changes) changed[place % bytes.length] = byte;
      const size = sizeOf(changed);
      if (size === undefined) return;
      whole++;
      const { width, height } = await decodeImage(changed, { channels: 1 });
      assert.deepEqual({ width, height }, size);
    }),
    { numRuns: 500 },
  );
  assert.ok(whole > 25, `${whole} of 500 are whole`);
});
