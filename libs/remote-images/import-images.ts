import type { Artifacts } from "#libs/artifacts";
import { type ImageLooks, type ImageSet, imagesOf, packImages } from "#libs/image-sets";
import { mediaTypes } from "#libs/recipes";
import { type ImportedShards, importShards } from "./import-shards.ts";
import { publishLooks } from "./looks.ts";

/** Pictures in the catalog. */
export type ImportedImages = ImportedShards & {
  /** Those that have pictures, in the order of the data set that is made of the import. */
  readonly domains: readonly string[];
  /** How many pictures each of the domains has. */
  readonly pictures: readonly number[];
};

/**
 * Puts a folder of images into the catalog as tar archives, one after another, and returns what is there. Equal images make one import,
 * whoever packs them; what the catalog has is not sent again.
 * @param options.licence an SPDX expression. @param options.source where the images are from, in words.
 * @throws ImageSetError for an image that cannot be read; ManifestError for more archives than an import has room for; RpcError
 * @example
 * ```ts
 * import { mkdir, writeFile } from "node:fs/promises";
 * import { encodePng, readImageSet } from "#libs/image-sets";
 * import { startCatalog } from "../../services/catalog/testing/system.ts";
 * await using catalog = await startCatalog();
 * for (const [i, path] of ["photo/owl", "sketch/owl"].entries()) {
 *   await mkdir(catalog.directory.join("birds", path), { recursive: true });
 *   const pixels = encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(i) });
 *   await writeFile(catalog.directory.join("birds", path, "1.png"), pixels);
 * }
 * const set = await readImageSet(catalog.directory.join("birds"));
 * const options = { licence: "CC0-1.0", source: "drawn", signal: new AbortController().signal };
 * const { domains, pictures } = await importImages(set, catalog.artifacts, options);
 * [domains, pictures]; // [["photo", "sketch"], [1, 1]]
 * ```
 */
export async function importImages(
  set: Pick<ImageSet, "groups" | "classes">,
  artifacts: Artifacts,
  {
    licence,
    source,
    signal,
    onPacked = () => {},
    look,
  }: {
    readonly licence: string;
    readonly source: string;
    readonly signal: AbortSignal;
    /** How many images are in an archive by now. */
    readonly onPacked?: (images: number) => void;
    /**
     * Decodes all images and says what they look like. Once, before anything is sent or published that the catalog does not have, and
     * where it does not know their looks: what it throws is the end of it. Without it nothing is decoded.
     */
    readonly look?: () => Promise<ImageLooks>;
  },
): Promise<ImportedImages> {
  const packing = packImages(counting(imagesOf(set), onPacked), { classes: set.classes, indexed: false, signal });
  let looked: Promise<ImageLooks> | undefined;
  const lookOnce = look && (() => (looked ??= look()));
  const beforeSend = async () => void (await lookOnce?.());
  const shards = { mediaType: mediaTypes.shard, licence, source, signal, beforeSend };
  const imported = await importShards(packing.shards, artifacts, shards);
  const domains = [...new Set(set.groups.map(({ domain }) => domain))];
  const pictures = domains.map((name) => set.groups.reduce((sum, { domain, names }) => sum + (domain === name ? names.length : 0), 0));
  if (lookOnce) await publishLooks(artifacts, { source: imported.digest, licence, look: lookOnce, signal });
  return { ...imported, domains, pictures };
}

function* counting<T>(items: Iterable<T>, onCount: (count: number) => void): Generator<T> {
  let count = 0;
  for (const item of items) {
    yield item;
    count += 1;
    onCount(count);
  }
}
