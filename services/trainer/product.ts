import { type BuiltManifest, type Descriptor, digestOf, type Json } from "#libs/recipes";

/** A blob that an artifact consists of. */
export type Blob = { readonly bytes: Uint8Array; readonly descriptor: Descriptor };

/** An artifact that a recipe of the digits benchmark makes: a manifest and the blobs that it names. */
export type Artifact = { readonly blobs: readonly Blob[]; readonly built: BuiltManifest };

/**
 * What any other recipe makes, by the roles that its kind has: the fine-tune service makes the artifact of it. The curve of a training
 * becomes its training.json; a summary is what is shown of it.
 */
export type Made = {
  /** A function gives the same bytes each time. */
  readonly outputs: readonly { readonly role: string; readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>) }[];
  readonly summary?: { readonly [name: string]: Json };
  readonly curve?: Json;
};

/** What a recipe makes. It is a function of the recipe and its inputs alone, up to the last bits where its arithmetic is approximate. */
export type Product = Artifact | Made;

/** The artifact of a recipe of the digits benchmark. @throws TypeError for what other recipes make */
export function artifactOf(product: Product): Artifact {
  if ("built" in product) return product;
  throw new TypeError(`expected an artifact, got outputs: ${product.outputs.map(({ role }) => role).join(", ")}`);
}

/** A blob with its descriptor. */
export function blobOf(bytes: Uint8Array, mediaType: string): Blob {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}
