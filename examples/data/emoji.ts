import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { type Emoji, emojiClass } from "./emoji-classes.ts";
import { npmPackage } from "./packages.ts";

const SIDE = 64;
/** Vendors whose pictures are drawings, and the packages that have them. */
const DRAWN = {
  noto: "@iconify-json/noto@1.2.9",
  twemoji: "@iconify-json/twemoji@1.2.5",
  openmoji: "@iconify-json/openmoji@1.2.29",
  emojione: "@iconify-json/emojione@1.2.3",
  "noto-v1": "@iconify-json/noto-v1@1.2.5",
} as const;
const RENDERED = { "fluent-3d": "@lobehub/fluent-emoji-3d@1.1.0" } as const;
const NAMES = "emoji-datasource@16.0.0";

const description = {
  licence: "Apache-2.0 AND CC-BY-4.0 AND CC-BY-SA-4.0 AND MIT",
  source: `emoji of six vendors: ${[...Object.values(DRAWN), ...Object.values(RENDERED)].join(", ")}; classes by ${NAMES}`,
};

/** The bytes of a picture in any format, by the code points of an emoji; undefined where the vendor has none. */
type Pictures = (code: string) => Promise<Uint8Array> | Uint8Array | undefined;

/** Vendors whose pictures are tasks of their own, with the subcategories of Unicode as classes: auxiliaries. The others are one target. */
const TASKS: readonly string[] = ["emojione", "noto-v1"];

/**
 * Writes the same things as six vendors draw them, 64 x 64 pixels on white: `target/vendor/class/code.png` of four vendors, and a folder for
 * each of the two others, `vendor/vendor/subcategory/code.png`. What a code shows is one thing in all vendors: who tests on a vendor should
 * know that models have seen its things, drawn by others.
 */
export async function writeEmoji(folder: string, onVendor: (vendor: string, pictures: number) => void): Promise<void> {
  const emoji = JSON.parse(await readFile(join(await npmPackage(NAMES), "emoji.json"), "utf8")) as Emoji[];
  const noto = await readJson<{ readonly [code: string]: string }>(DRAWN.noto, "chars.json");
  const vendors: [string, Pictures][] = [];
  for (const [vendor, name] of Object.entries(DRAWN)) vendors.push([vendor, await drawings(name, noto)]);
  for (const [vendor, name] of Object.entries(RENDERED)) vendors.push([vendor, await renderings(name)]);
  for (const [vendor, pictures] of vendors) {
    const isTask = TASKS.includes(vendor);
    const place = join(folder, isTask ? vendor : "target");
    onVendor(vendor, await writeVendor(join(place, vendor), emoji, pictures, isTask));
    await writeFile(join(place, "source.json"), `${JSON.stringify(description, undefined, 2)}\n`);
  }
}

async function writeVendor(folder: string, emoji: readonly Emoji[], pictures: Pictures, bySubcategory: boolean): Promise<number> {
  let count = 0;
  for (const one of emoji) {
    const label = emojiClass(one);
    const code = plainCode(one.unified);
    const picture = label === undefined ? undefined : await pictures(code);
    if (label === undefined || picture === undefined) continue;
    const place = join(folder, bySubcategory ? one.subcategory : label);
    await mkdir(place, { recursive: true });
    const fitted = sharp(picture, { density: 300 }).resize(SIDE, SIDE, { fit: "contain", background: "#fff" });
    await fitted
      .flatten({ background: "#fff" })
      .toColourspace("srgb")
      .png()
      .toFile(join(place, `${code}.png`));
    count++;
  }
  return count;
}

type Icons = {
  readonly width?: number;
  readonly height?: number;
  readonly icons: { readonly [name: string]: { readonly body: string; readonly width?: number; readonly height?: number } };
  /** Other names of icons. */
  readonly aliases?: { readonly [name: string]: { readonly parent: string } };
};

/** Drawings of an icon set, by its own codes or, where it has none, by the names that Noto has for them. */
async function drawings(name: string, noto: { readonly [code: string]: string }): Promise<Pictures> {
  const own = await readJson<{ readonly [code: string]: string }>(name, "chars.json");
  const { icons, aliases = {}, ...size } = await readJson<Icons>(name, "icons.json");
  const names = new Map(Object.entries(Object.keys(own).length > 0 ? own : noto).map(([code, icon]) => [plainCode(code), icon]));
  return (code) => {
    const called = names.get(code) ?? "";
    const icon = icons[called] ?? icons[aliases[called]?.parent ?? ""];
    if (icon === undefined) return undefined;
    const { width = 16, height = 16 } = { ...size, ...icon };
    return Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${icon.body}</svg>`,
    );
  };
}

async function renderings(name: string): Promise<Pictures> {
  const assets = join(await npmPackage(name), "assets");
  const files = new Map((await readdir(assets)).map((file) => [plainCode(file.replace(/\.\w+$/, "")), join(assets, file)]));
  return (code) => {
    const file = files.get(code);
    return file === undefined ? undefined : readFile(file);
  };
}

async function readJson<T>(name: string, file: string): Promise<T> {
  return JSON.parse(await readFile(join(await npmPackage(name), file), "utf8")) as T;
}

/** Code points as all write them, without what asks for the colourful form. */
function plainCode(code: string): string {
  return code.toLowerCase().replaceAll("-fe0f", "");
}
