import type { Steps } from "#libs/concurrency";
import type { TrainingParameters } from "#libs/recipes";
import { UnfitInputError } from "../errors.ts";
import type { Examples } from "./batches.ts";
import { flatten, type Layout, layoutOf, refuseOthers, type Weights } from "./layout.ts";
import type { Backend } from "./matrix.ts";
import { featuresOf } from "./predict.ts";

/** Labelled data as trainings take it. */
export type LabelledData = Examples & { readonly features: number };

/** What is trained on what. For `train: "head"` it is the head alone, on features computed once. */
export type Prepared = {
  /** The whole network. */
  readonly network: Layout;
  /** What is trained. */
  readonly layout: Layout;
  readonly parameters: Float32Array;
  readonly training: readonly Examples[];
  readonly validation: readonly Examples[];
};

/**
 * Checks a training and splits its data: the first floor(validationFraction · count) rows of each data set are validation data.
 * In steps, because the features of large data sets take a while.
 * @throws UnfitInputError naming what does not fit.
 */
export function* prepare(
  backend: Backend,
  parameters: TrainingParameters,
  weights: Weights,
  datasets: readonly LabelledData[],
): Steps<Prepared> {
  const { hidden, classes, validationFraction, validateEvery, keep, train } = parameters;
  const features = datasets[0]?.features;
  if (features === undefined) throw new UnfitInputError("A training needs at least one data set");
  if (keep === "best" && validateEvery === 0)
    throw new UnfitInputError("parameters.validateEvery: keeping the best weights needs validation, got 0");
  const network = layoutOf(features, hidden, classes);
  refuseOthers(weights, network);
  const layout = train === "head" ? layoutOf(hidden.at(-1) ?? features, [], classes) : network;
  const training: Examples[] = [];
  const validation: Examples[] = [];
  for (const [index, dataset] of datasets.entries()) {
    checkData(dataset, index, features, classes);
    const images = train === "head" ? yield* featuresOf(backend, weights, network, dataset.images) : dataset.images;
    const held = Math.floor(validationFraction * dataset.count);
    if (held === dataset.count) throw new UnfitInputError(`Data set ${index} has ${dataset.count} rows; none is left for training`);
    if (held === 0 && validateEvery > 0)
      throw new UnfitInputError(`Data set ${index}: ${validationFraction} of ${dataset.count} rows are none to validate on`);
    const width = images.length / dataset.count;
    const rows = (from: number, to: number) => ({
      images: images.subarray(from * width, to * width),
      labels: dataset.labels.subarray(from, to),
      count: to - from,
    });
    validation.push(rows(0, held));
    training.push(rows(held, dataset.count));
    yield;
  }
  return { network, layout, parameters: flatten(weights, layout), training, validation };
}

function checkData({ images, labels, count, features }: LabelledData, index: number, expected: number, classes: number): void {
  if (features !== expected) throw new UnfitInputError(`Data set ${index} has ${features} features, data set 0 has ${expected}`);
  if (images.length !== count * features || labels.length !== count)
    throw new UnfitInputError(`Data set ${index} does not have ${count} rows`);
  for (const label of labels) {
    if (label < 0 || label >= classes) throw new UnfitInputError(`Data set ${index} has label ${label}, the head has ${classes} classes`);
  }
}
