import sharp from "sharp";
import { sub, uint32 } from "#libs/deterministic";
import type { Draw } from "./draw.ts";

/** Noise as PNG in data URIs: drawn once and laid over every picture, at another place each time. librsvg's own takes a second. */
export type Textures = {
  /** Grey dots, more or less transparent. */
  readonly grain: string;
  /** The same, drawn out to threads. */
  readonly canvas: string;
};

const SEED = 20_260_302;

/** Draws the textures: the same each time. */
export async function drawTextures(): Promise<Textures> {
  const [grain, canvas] = await Promise.all([noise(1, 256, 256), noise(2, 16, 192)]);
  return { grain, canvas };
}

/** Noise of so many points, grey and alpha, enlarged to 256 by 256 pixels. */
async function noise(which: number, width: number, height: number): Promise<string> {
  const seed = sub(SEED, which);
  const data = Uint8Array.from({ length: width * height * 2 }, (_, i) => (i % 2 === 0 ? 70 : uint32(seed, i) >>> 26));
  const picture = sharp(data, { raw: { width, height, channels: 2 } }).resize(256, 256, { kernel: "cubic", fit: "fill" });
  return `data:image/png;base64,${(await picture.png().toBuffer()).toString("base64")}`;
}

/** Where a texture lies this time: everywhere in the picture, as another part of it. */
export function somewhere(draw: Draw): string {
  const size = draw.between(150, 260);
  return `x="${(64 - draw.between(128, size)).toFixed(1)}" y="${(64 - draw.between(128, size)).toFixed(1)}" width="${size.toFixed(1)}" height="${size.toFixed(1)}" preserveAspectRatio="none"`;
}
