import type { ArtifactKind } from "#libs/recipes";
import { ArtifactKind as ProtoKind } from "#proto/ratatouille/v1/artifact_pb.ts";

/** The kinds of artifacts on the wire. */
export const artifactKinds: { readonly [K in ArtifactKind]: ProtoKind } = {
  source: ProtoKind.SOURCE,
  dataset: ProtoKind.DATASET,
  model: ProtoKind.MODEL,
  evaluation: ProtoKind.EVALUATION,
};

/** The kind that a number on the wire stands for; undefined for "unspecified" and for numbers of a later protocol. */
export function kindOf(wire: ProtoKind): ArtifactKind | undefined {
  return (Object.keys(artifactKinds) as ArtifactKind[]).find((kind) => artifactKinds[kind] === wire);
}
