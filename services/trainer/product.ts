import { type BuiltManifest, type Descriptor, digestOf } from "#libs/recipes";

/** A blob that an artifact consists of. */
export type Blob = { readonly bytes: Uint8Array; readonly descriptor: Descriptor };

/** What a recipe makes: a manifest and the blobs that it names. Both are functions of the recipe and its inputs alone. */
export type Product = { readonly blobs: readonly Blob[]; readonly built: BuiltManifest };

/** A blob with its descriptor. */
export function blobOf(bytes: Uint8Array, mediaType: string): Blob {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}
