import type { Descriptor } from "#libs/recipes";
import { isManifestType } from "./oci-manifest.ts";

type Manifest = { readonly mediaType?: unknown; readonly layers?: readonly Descriptor[] };

/**
 * The manifest that an artifact was made of when it was pushed: the layer that is one. Undefined for an artifact that is its own manifest.
 * @param manifest of the artifact, JSON
 */
export function carriedManifest(manifest: Uint8Array): Descriptor | undefined {
  const { layers = [] } = JSON.parse(new TextDecoder().decode(manifest)) as Manifest;
  return layers.find(({ mediaType }) => isManifestType(mediaType));
}
