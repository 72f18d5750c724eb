import type { ArtifactKind, ReadManifest } from "#libs/recipes";
import { ArtifactKind as ProtoKind } from "#proto/ratatouille/v1/artifact_pb.ts";

/** The kinds of artifacts on the wire; "unspecified" stands for those that this version does not know. */
export const artifactKinds: { readonly [K in ReadManifest["kind"]]: ProtoKind } = {
  source: ProtoKind.SOURCE,
  dataset: ProtoKind.DATASET,
  model: ProtoKind.MODEL,
  evaluation: ProtoKind.EVALUATION,
  split: ProtoKind.SPLIT,
  prediction: ProtoKind.PREDICTION,
  looks: ProtoKind.LOOKS,
  unknown: ProtoKind.UNSPECIFIED,
};

/** The kind that a number on the wire stands for; undefined for "unspecified" and for numbers of a later protocol. */
export function kindOf(wire: ProtoKind): ArtifactKind | undefined {
  const { unknown: _, ...known } = artifactKinds;
  return (Object.keys(known) as ArtifactKind[]).find((kind) => known[kind] === wire);
}
