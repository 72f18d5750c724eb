export { eachBatch, type PassOptions } from "./each-batch.ts";
export { imagesOfIndex } from "./images-of-index.ts";
export { type Loader, type LoaderOptions, openLoader, type Wanted } from "./loader.ts";
export { openSampling, placeOf, type Sample, type SamplingOptions } from "./sampling.ts";
export { openBatches, type TrainingBatchesOptions } from "./training-batches.ts";
export type { Batch, BatchSource, Draw, FilePart, ImageRows, PictureShape } from "./types.ts";
