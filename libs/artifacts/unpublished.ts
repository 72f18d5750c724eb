import { create } from "@bufbuild/protobuf";
import { type BuiltManifest, type Recipe, recipeInputs, recipeKey } from "#libs/recipes";
import { type Artifact, type ArtifactKind, ArtifactSchema } from "#proto/ratatouille/v1/artifact_pb.ts";

/** What the artifact of a recipe would be if it were published: for runs that only compare digests. `blobBytes`: all but the config. */
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
