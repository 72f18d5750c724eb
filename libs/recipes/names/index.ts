/** Names in manifests: the rest of `#libs/recipes` needs a runtime with cryptography of Node. */
export type { ArtifactKind } from "../artifact-kinds.ts";
export { artifactKindOf } from "../artifact-kinds.ts";
export type { Digest, Json } from "../canonical.ts";
export { annotations, mediaTypes } from "../media-types.ts";
export type { Recipe } from "../recipe.ts";
