import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { openStream } from "#libs/deterministic";

const COARSE = 9;

/** Writes JPEGs of quality 90: soft colours with noise, which take as many bytes as photographs do. */
export async function makeJpegs(folder: string, count: number, side: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const stream = openStream([i, 0]);
    const coarse = Uint8Array.from({ length: COARSE * COARSE * 3 }, () => stream.below(256));
    const soft = await sharp(coarse, { raw: { width: COARSE, height: COARSE, channels: 3 } })
      .resize(side, side)
      .raw()
      .toBuffer();
    const noisy = Uint8ClampedArray.from(soft, (value) => value + 6 * stream.normal());
    const jpeg = await sharp(noisy, { raw: { width: side, height: side, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer();
    await writeFile(join(folder, `${String(i).padStart(4, "0")}.jpg`), jpeg);
  }
}
