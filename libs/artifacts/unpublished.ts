import { create } from "@bufbuild/protobuf";
import { type BuiltManifest, type Recipe, recipeInputs, recipeKey } from "#libs/recipes";
import { type Artifact, type ArtifactKind, ArtifactSchema } from "#proto/ratatouille/v1/artifact_pb.ts";

/**
 * What the artifact of a recipe would be if it were published: for runs that only compare digests. `blobBytes`: all but the config.
 * @example
 * ```ts
 * import { buildSourceManifest, digestOf, recipeKey } from "#libs/recipes";
 * import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
 * const digest = digestOf("abc");
 * const parameters = { files: [{ path: "abc.txt", digest, bytes: 3 }], licence: "MIT", source: "https://example.org" };
 * const recipe = { kind: "import", inputs: {}, parameters } as const;
 * const built = buildSourceManifest({ recipe, licences: ["MIT"], files: [{ mediaType: "text/plain", digest, size: 3 }] });
 * const artifact = unpublishedArtifact(recipe, built, ArtifactKind.SOURCE, 3);
 * [artifact.digest === built.digest, artifact.recipeKey === recipeKey(recipe)]; // [true, true]
 * ```
 */
export function unpublishedArtifact(recipe: Recipe, built: BuiltManifest, kind: ArtifactKind, blobBytes: number): Artifact {
  const { manifest, digest, config } = built;
  return create(ArtifactSchema, {
    digest,
    kind,
    manifest,
    recipeKey: recipeKey(recipe),
    inputs: recipeInputs(recipe),
    sizeBytes: BigInt(config.length + blobBytes),
  });
}
