import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { readSmallPng } from "./small-png.ts";
import { greyPng } from "./testing/png.ts";

const folder = new URL("../../test/fixtures/images/decoding/", import.meta.url);
const fixture = (name: string) => readFile(new URL(`${name}.png`, folder));

/** Pixels that are near their neighbours, so that encoders take all filters, of 1 to 4 channels. */
const anyPixels = fc
  .record({ width: fc.integer({ min: 1, max: 24 }), height: fc.integer({ min: 1, max: 24 }), channels: fc.constantFrom(1, 2, 3, 4) })
  .chain(({ width, height, channels }) => {
    const length = width * height * channels;
    const any = fc.uint8Array({ minLength: length, maxLength: length });
    const soft = any.map((noise) => noise.map((value, i) => (value & 7) + 3 * (i % (width * channels)) + Math.floor(i / width)));
    return fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      channels: fc.constant(channels),
      pixels: fc.oneof(any, soft),
    });
  });

test("what libvips writes is read, without its alpha", async () => {
  await fc.assert(
    fc.asyncProperty(anyPixels, fc.boolean(), async ({ width, height, channels, pixels }, adaptiveFiltering) => {
      const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
      const file = await sharp(pixels, { raw })
        .toColourspace(channels < 3 ? "b-w" : "srgb")
        .png({ adaptiveFiltering })
        .toBuffer();
      const kept = channels < 3 ? 1 : 3;
      const expected = pixels.filter((_, i) => i % channels < kept);
      assert.deepEqual(readSmallPng(file), { width, height, channels: kept, pixels: expected });
    }),
    { numRuns: 150 },
  );
});

test("other PNGs are left to others", async () => {
  const orientation = await sharp(await fixture("alpha"))
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  assert.equal(readSmallPng(await fixture("palette")), undefined);
  assert.equal(readSmallPng(await fixture("bits")), undefined);
  assert.equal(readSmallPng(orientation), undefined);
  assert.equal(readSmallPng(greyPng({ width: 1, height: 1, bits: 16 }, [Uint8Array.of(1, 2)])), undefined);
  assert.equal(readSmallPng(greyPng({ width: 129, height: 128, bits: 8 }, Array(128).fill(new Uint8Array(129)))), undefined);
});

test("a damaged or shortened file is left to others", async () => {
  const file = await fixture("alpha");
  assert.ok(readSmallPng(file));
  for (let at = 8; at < file.length; at += 7) {
    assert.equal(readSmallPng(file.subarray(0, at)), undefined);
    const damaged = Buffer.from(file);
    damaged[at]! ^= 0x40;
    assert.equal(readSmallPng(damaged), undefined);
  }
  // A line is missing, a line too many.
  const [line, none] = [new Uint8Array(4), new Uint8Array()];
  assert.equal(readSmallPng(greyPng({ width: 4, height: 2, bits: 8 }, [line])), undefined);
  assert.equal(readSmallPng(greyPng({ width: 4, height: 2, bits: 8 }, [line, line, none])), undefined);
});
