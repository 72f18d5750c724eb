/** Side of an image in pixels. Pixel (row r, column c) has its centre at x = c + 0.5, y = r + 0.5. */
export const SIDE = 16;
/** Numbers per image: 16 × 16 grey values in [0, 1], row-major. */
export const FEATURES = 256;

/** Labelled images in memory. */
export type Dataset = {
  /** [count, 256], one image after the other. */
  readonly images: Float32Array;
  /** [count], each in [0, classes). */
  readonly labels: Int32Array;
  readonly count: number;
  readonly features: typeof FEATURES;
  readonly classes: number;
};

/**
 * The first ⌊fraction · count⌋ images as validation, the others for training. Both are views of the same memory.
 * Throws RangeError unless 0 ≤ fraction ≤ 1.
 * @example
 * ```ts
 * const spec: GlyphsSpec = { classes: 2, images: 10, alphabetSeed: 1, rotation: 0.3, styles: ["plain"] };
 * const { validation, training } = splitDataset(generateGlyphs(spec, 7), 0.25);
 * [validation.count, training.count]; // [2, 8]
 * ```
 */
export function splitDataset(dataset: Dataset, fraction: number): { validation: Dataset; training: Dataset } {
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`the validation fraction is ${fraction}, expected 0 to 1`);
  const border = Math.floor(dataset.count * fraction);
  return { validation: rows(dataset, 0, border), training: rows(dataset, border, dataset.count) };
}

function rows(dataset: Dataset, begin: number, end: number): Dataset {
  return {
    ...dataset,
    images: dataset.images.subarray(begin * FEATURES, end * FEATURES),
    labels: dataset.labels.subarray(begin, end),
    count: end - begin,
  };
}
