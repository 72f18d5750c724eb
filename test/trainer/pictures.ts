import type { Artifacts } from "#libs/artifacts";
import { encodePng, type LabelledImage, packImages } from "#libs/image-sets";
import { annotations, buildSourceManifest, type Descriptor, type Digest, mediaTypes } from "#libs/recipes";

export const domains = ["dark", "light", "noisy"];
export const classes = ["across", "checked", "down"];
const SIDE = 16;

/** Bars and squares of 16 x 16 grey pixels that a small network can tell apart, drawn in another way in each domain. */
export function* drawBars(
  each: number,
): Generator<{ readonly domain: string; readonly class: string; readonly name: string; readonly pixels: Uint8Array }, void, undefined> {
  for (const [d, domain] of domains.entries()) {
    for (const name of classes) {
      for (let i = 0; i < each; i++) {
        const pixel = (_: unknown, place: number) => {
          const [x, y] = [Math.floor((place % SIDE) / 2), Math.floor(place / SIDE / 2)];
          const on = name === "across" ? y % 2 : name === "down" ? x % 2 : (x + y) % 2;
          const noise = (place * 37 + i * 101 + place * place) % (d === 2 ? 60 : 20);
          return (d === 1 ? 150 : 40) + (on === 1 ? 80 : 0) + noise;
        };
        yield { domain, class: name, name: `${i}.png`, pixels: Uint8Array.from({ length: SIDE * SIDE }, pixel) };
      }
    }
  }
}

/** The same as pictures. */
function* pictures(each: number): Generator<LabelledImage, void, undefined> {
  for (const { pixels, ...labels } of drawBars(each))
    yield { ...labels, content: { make: () => encodePng({ width: SIDE, height: SIDE, channels: 1, data: pixels }) } };
}

/** Imports pictures as shards, small ones so that there are several, and returns the digest of the import. */
export async function importPictures(artifacts: Artifacts, each: number): Promise<Digest> {
  const files: Descriptor[] = [];
  for await (const { name, content } of packImages(pictures(each), { classes, shardBytes: 64 << 10 }).shards)
    files.push(await artifacts.upload(content, { mediaType: mediaTypes.shard, annotations: { [annotations.title]: name } }));
  const described = files.map(({ digest, size, annotations: notes }) => ({ path: notes![annotations.title]!, digest, bytes: size }));
  const parameters = { files: described, licence: "CC0-1.0", source: "bars" };
  const recipe = { kind: "import", inputs: {}, parameters } as const;
  return (await artifacts.publish(buildSourceManifest({ recipe, licences: ["CC0-1.0"], files }))).digest as Digest;
}
