import { type Digest, digestOf } from "./canonical.ts";
import { buildSourceManifest } from "./manifest.ts";
import { annotations, mediaTypes } from "./media-types.ts";
import { ManifestError } from "./read-manifest.ts";

/**
 * The most bytes that the catalog takes of one manifest. An import names each of its files twice, in its recipe and as a layer, which are
 * about 450 bytes and twice the path: room for some 2,000 files. Pictures are imported as shards of 128 MiB, so that is a quarter of a TB.
 */
export const MOST_MANIFEST_BYTES = 1 << 20;

/**
 * Checks, before anything of it is sent, that an import of these files has a manifest that the catalog takes.
 * @throws ManifestError with how many bytes it would have, and what to do.
 * @example
 * ```ts
 * const files = [{ path: "00000.tar", bytes: 134_217_728 }];
 * checkImportRoom({ files, licence: "MIT", source: "~/birds" }); // undefined
 * ```
 */
export function checkImportRoom(given: {
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly licence: string;
  readonly source: string;
}): void {
  const digest: Digest = digestOf("");
  const files = given.files.map(({ path, bytes }) => ({ path, digest, bytes }));
  const { manifest } = buildSourceManifest({
    recipe: { kind: "import", inputs: {}, parameters: { files, licence: given.licence, source: given.source } },
    licences: [given.licence],
    files: files.map(({ path, bytes }) => ({
      ...{ mediaType: mediaTypes.sourceLayer, digest, size: bytes },
      annotations: { [annotations.title]: path },
    })),
  });
  if (manifest.length <= MOST_MANIFEST_BYTES) return;
  throw new ManifestError(
    `an import of ${files.length} files has a manifest of ${manifest.length} bytes, and at most ${MOST_MANIFEST_BYTES} are possible; pack the files into archives, or import folders one by one`,
    { field: "files" },
  );
}
