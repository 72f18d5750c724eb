import { mediaTypes } from "./media-types.ts";

/** The kinds of artifacts, as the catalog tells them apart. */
export type ArtifactKind = "source" | "dataset" | "model" | "evaluation" | "split" | "prediction" | "looks";

/** Of each kind of artifact the type of its manifest, and that of the one layer that is the artifact itself; of files from outside any. */
export const artifactTypes: { readonly [K in ArtifactKind]: { readonly manifest: string; readonly layer?: string } } = {
  source: { manifest: mediaTypes.source },
  dataset: { manifest: mediaTypes.dataset, layer: mediaTypes.datasetLayer },
  model: { manifest: mediaTypes.model, layer: mediaTypes.weights },
  evaluation: { manifest: mediaTypes.evaluation, layer: mediaTypes.evaluationLayer },
  split: { manifest: mediaTypes.split, layer: mediaTypes.splitLayer },
  prediction: { manifest: mediaTypes.prediction, layer: mediaTypes.predictionLayer },
  looks: { manifest: mediaTypes.looks, layer: mediaTypes.looksLayer },
};

/** The kind of artifact that a manifest of a type describes; undefined for one of a later version. */
export function artifactKindOf(manifestType: unknown): ArtifactKind | undefined {
  return (Object.keys(artifactTypes) as ArtifactKind[]).find((kind) => artifactTypes[kind].manifest === manifestType);
}
