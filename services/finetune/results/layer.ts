import { type Descriptor, ManifestError } from "#libs/recipes";

/** The layer of a media type. @throws ManifestError where there is none */
export function layerOf(layers: readonly Descriptor[], mediaType: string): Descriptor {
  const layer = layers.find((candidate) => candidate.mediaType === mediaType);
  if (!layer) throw new ManifestError(`the artifact has no layer of type ${mediaType}`);
  return layer;
}
