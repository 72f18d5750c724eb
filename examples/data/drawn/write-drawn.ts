import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { createLimit } from "#libs/concurrency";
import { sub } from "#libs/deterministic";
import { darker, goAstray } from "./astray.ts";
import { openDraw } from "./draw.ts";
import { type Drawing, styles } from "./styles.ts";
import { drawTextures, type Textures } from "./textures.ts";
import { tasks } from "./things.ts";

/** Pixels of PACS's pictures, width and height. */
const SIDE = 227;
const SEED = 20_260_301;
/** How many pictures each style of a task has: the target about as many as PACS. */
const counts: { readonly [task: string]: { readonly [style: string]: number } } = {
  target: { cartoon: 2344, painting: 2048, photo: 1670, sketch: 3938 },
  objects: { cartoon: 200, painting: 200, photo: 200, sketch: 200 },
  signs: { cartoon: 300, painting: 300, photo: 300, sketch: 300 },
};

const description = { licence: "CC0-1.0", source: "drawn by examples/data/drawn" };

/**
 * Writes drawn things, 227 x 227 pixels as JPEG, in PACS's form: `target/style/class/0000.jpg`, 10,000 pictures of seven classes in four
 * styles, and in the same form two smaller tasks of other classes, `objects` and `signs`.
 */
export async function writeDrawn(folder: string, onStyle: (task: string, style: string, pictures: number) => void): Promise<void> {
  const textures = await drawTextures();
  for (const [t, task] of Object.keys(tasks).entries()) {
    for (const [s, style] of Object.keys(styles).entries()) {
      const count = counts[task]![style]!;
      await writeStyle(join(folder, task, style), { task, style, count, seed: sub(SEED, 10 * t + s), textures });
      onStyle(task, style, count);
    }
    await writeFile(join(folder, task, "source.json"), `${JSON.stringify(description, undefined, 2)}\n`);
  }
}

type Wanted = { readonly task: string; readonly style: string; readonly count: number; readonly seed: number; readonly textures: Textures };

async function writeStyle(folder: string, { task, style, count, seed, textures }: Wanted): Promise<void> {
  const things = Object.entries(tasks[task]!);
  await Promise.all(things.map(([name]) => mkdir(join(folder, name), { recursive: true })));
  const limit = createLimit(8);
  const write = async (i: number) => {
    const [name, thing] = things[i % things.length]!;
    const draw = openDraw(sub(seed, i));
    const drawing = styles[style]!(thing(draw), { draw, textures, side: SIDE });
    const file = join(folder, name, `${String(Math.floor(i / things.length)).padStart(4, "0")}.jpg`);
    await (await pixelsOf(drawing, sub(seed, i))).jpeg({ quality: 92 }).toFile(file);
  };
  await Promise.all(Array.from({ length: count }, (_, i) => limit(() => write(i))));
}

/** The picture of a drawing, in as many passes as it wants. */
async function pixelsOf({ svg, astray }: Drawing, seed: number): Promise<Sharp> {
  const drawn = sharp(Buffer.from(svg)).flatten();
  if (astray.length === 0) return drawn;
  const pixels = await drawn.raw().toBuffer();
  const passes = astray.map((by, i) => goAstray(pixels, SIDE, by, sub(seed, i)));
  return sharp(passes.reduce(darker), { raw: { width: SIDE, height: SIDE, channels: 3 } });
}
