import assert from "node:assert/strict";
import { test } from "node:test";
import sharp, { type Sharp } from "sharp";
import { uniform } from "#libs/deterministic";
import { glimpseImage } from "./glimpse.ts";

const SIDE = 200;

/** Soft shapes with finer ones on them, in colour, as photographs have them. */
async function picture(number: number): Promise<() => Sharp> {
  const sum = new Float32Array(SIDE * SIDE * 3);
  for (const [octave, weight] of [1, 0.6, 0.3, 0.15, 0.1].entries()) {
    const side = 3 << octave;
    const noise = Uint8Array.from({ length: side * side * 3 }, (_, i) => Math.floor(256 * uniform(8 * number + octave, i)));
    const shapes = await sharp(noise, { raw: { width: side, height: side, channels: 3 } })
      .resize(SIDE, SIDE, { kernel: "cubic" })
      .raw()
      .toBuffer();
    for (const [i, value] of shapes.entries()) sum[i]! += weight * (value - 128);
  }
  const pixels = Uint8ClampedArray.from(sum, (value) => 128 + value);
  return () => sharp(new Uint8Array(pixels.buffer), { raw: { width: SIDE, height: SIDE, channels: 3 } });
}

function distance(a: Uint32Array, b: Uint32Array): number {
  return [0, 1].reduce((sum, word) => sum + ((a[word]! ^ b[word]!) >>> 0).toString(2).replaceAll("0", "").length, 0);
}

test("the hash of a picture is nearly the same in other formats, sizes and qualities, whoever reads it", async () => {
  const hashes = await Promise.all(
    [0, 1, 2, 3, 4, 5].map(async (number) => {
      const from = await picture(number);
      const files = [
        from().jpeg({ quality: 90 }),
        from().jpeg({ quality: 40 }),
        from().jpeg({ progressive: true }),
        from().resize(120, 120).jpeg(),
        from().resize(90, 90).png(),
        from().png(),
        from().resize(100, 100).webp(),
      ];
      return Promise.all(files.map(async (file) => (await glimpseImage(await file.toBuffer())).hash));
    }),
  );
  // Bits that differ from those of the first file, in all pictures.
  const differences = hashes[0]!.map((_, file) => hashes.reduce((sum, of) => sum + distance(of[0]!, of[file]!), 0) / hashes.length);
  assert.ok(Math.max(...differences) <= 2, differences.join(" "));
  const others = hashes.slice(1).map((of) => distance(of[0]!, hashes[0]![0]!));
  assert.ok(Math.min(...others) > 12, others.join(" "));
});

test("a picture that is turned, or smaller than what is looked at, is seen as it is shown", async () => {
  const from = await picture(7);
  const turned = await from().rotate(90).withMetadata({ orientation: 8 }).jpeg().toBuffer();
  const plain = await from().jpeg().toBuffer();
  assert.ok(distance((await glimpseImage(turned)).hash, (await glimpseImage(plain)).hash) <= 3);
  const small = await sharp(Uint8Array.of(9, 5), { raw: { width: 2, height: 1, channels: 1 } })
    .png()
    .toBuffer();
  const { size, hash } = await glimpseImage(small);
  assert.deepEqual([size, hash[0] !== 0], [{ width: 2, height: 1 }, true]);
});
