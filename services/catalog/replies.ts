import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ArtifactSchema } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { RefSchema, TagSchema } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { ArtifactRecord } from "./artifacts.ts";
import { artifactKinds } from "./kinds.ts";
import type { RefRecord } from "./refs.ts";
import type { TagRecord } from "./tags.ts";

/** An artifact as replies carry it. */
export function toArtifact(artifact: ArtifactRecord): MessageInitShape<typeof ArtifactSchema> {
  const { digest, kind, manifest, recipeKey, inputs, sizeBytes, damaged, stale, publishedAt, annotations, names } = artifact;
  return {
    ...{ digest, kind: artifactKinds[kind], manifest, recipeKey, inputs: [...inputs], damaged, stale },
    sizeBytes: BigInt(sizeBytes),
    publishedAtMs: BigInt(publishedAt),
    annotations: { ...annotations },
    names: [...names],
  };
}

/** A tag as replies carry it. */
export function toTag({ name, digest, taggedAt }: TagRecord): MessageInitShape<typeof TagSchema> {
  return { name, digest, taggedAtMs: BigInt(taggedAt) };
}

/** A ref as replies carry it; times in whole seconds. */
export function toRef({ name, digest, history }: RefRecord): MessageInitShape<typeof RefSchema> {
  const moves = history.map((move) => ({
    digest: move.digest ?? "",
    reason: move.reason,
    movedAt: BigInt(Math.floor(move.movedAt / 1000)),
  }));
  return { name, digest: digest ?? "", history: moves };
}
