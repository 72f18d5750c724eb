import { type ArtifactKind, annotations, artifactKindOf, type Digest, mediaTypes, type Recipe } from "#libs/recipes/names";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";

/** An artifact of the catalog as plain data: a model, a data set, an evaluation. */
export type ArtifactInfo = {
  /** Its name for ever: "sha256:…" of its manifest. */
  readonly digest: Digest;
  /** "unknown" of what a later version publishes. */
  readonly kind: ArtifactKind | "unknown";
  /** How it was made. */
  readonly recipe: Recipe;
  /** Digests of what it was made of, in the order of the recipe. */
  readonly inputs: readonly Digest[];
  /** SPDX expression of all that went in; empty where nothing was said. */
  readonly licence: string;
  /** Bytes of all that it has. */
  readonly sizeBytes: number;
  /** The safetensors file of a model. */
  readonly weights?: { readonly digest: Digest; readonly sizeBytes: number };
  /** When it was last published, where that is known. */
  readonly publishedAt?: Date;
  /** Something of it is missing or changed; running its recipe again repairs it. */
  readonly damaged: boolean;
  /** It was made of something that nobody can make again. */
  readonly stale: boolean;
};

type Manifest = {
  readonly artifactType: string;
  readonly annotations: { readonly [name: string]: string };
  readonly layers: readonly { readonly mediaType: string; readonly digest: Digest; readonly size: number }[];
};

/** What an artifact of a catalog is. The catalog has checked its manifest. */
export function infoOf(artifact: Artifact): ArtifactInfo {
  const { digest, manifest, inputs, sizeBytes, damaged, stale, publishedAtMs } = artifact;
  const { artifactType, annotations: notes, layers }: Manifest = JSON.parse(new TextDecoder().decode(manifest));
  const recipe: Recipe = JSON.parse(notes[annotations.recipe]!);
  const licence = notes[annotations.licences] ?? recipe.parameters["licence"];
  const weights = layers.find(({ mediaType }) => mediaType === mediaTypes.weights);
  return {
    digest: digest as Digest,
    kind: artifactKindOf(artifactType) ?? "unknown",
    recipe,
    inputs: inputs as Digest[],
    licence: typeof licence === "string" ? licence : "",
    sizeBytes: Number(sizeBytes),
    ...(weights === undefined ? {} : { weights: { digest: weights.digest, sizeBytes: weights.size } }),
    ...(publishedAtMs === 0n ? {} : { publishedAt: new Date(Number(publishedAtMs)) }),
    damaged,
    stale,
  };
}
