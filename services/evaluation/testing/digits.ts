import { type Dataset, encodeDataset, generateGlyphs } from "#libs/datasets";
import { initialWeights, type Weights } from "#libs/learning";
import { saveFloat32 } from "#libs/tensors";

/** Drawn symbols of ten classes; `seed` draws them. */
export function symbols(images: number, seed: number): Dataset {
  return generateGlyphs({ classes: 10, images, styles: ["plain", "noise"], rotation: 0.2, alphabetSeed: 1 }, seed);
}

/** A network of the benchmark's shape, or of another width, that has learned nothing. */
export function network(initSeed: number, hidden: readonly number[] = [256, 128], classes = 10): Weights {
  return initialWeights({ hidden, classes, initSeed });
}

/** The safetensors files of models and data sets. */
export const files = { model: (weights: Weights) => saveFloat32(weights), dataset: (dataset: Dataset) => encodeDataset(dataset) };
