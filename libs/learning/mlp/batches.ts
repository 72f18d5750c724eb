import { sub, uniform } from "#libs/deterministic";

/** Images and labels in memory: images are [count, features], row by row. */
export type Examples = { readonly images: Float32Array; readonly labels: Int32Array; readonly count: number };

/** Which of the child seeds of a training draws what. */
const SAMPLING = 1;
const DROPOUT = 2;

/**
 * Copies a batch: `perDataset` examples of each data set, drawn with replacement. Example k of data set d in step t is number
 * floor(U(sub(sub(seed, 1), t), d · perDataset + k) · count): a function of the seed and the step, whatever ran before.
 * @param images receives [examples, features]; @param labels receives the labels.
 */
export function fillBatch(
  { seed, step, perDataset }: { readonly seed: number; readonly step: number; readonly perDataset: number },
  datasets: readonly Examples[],
  images: Float32Array,
  labels: Int32Array,
): void {
  const stepSeed = sub(sub(seed, SAMPLING), step);
  const features = images.length / labels.length;
  for (let row = 0; row < labels.length; row += 1) {
    const dataset = datasets[Math.floor(row / perDataset)]!;
    const index = Math.floor(uniform(stepSeed, row) * dataset.count);
    images.set(dataset.images.subarray(index * features, (index + 1) * features), row * features);
    labels[row] = dataset.labels[index]!;
  }
}

/**
 * Inverted dropout in place: unit u of example e in step t is dropped where U(sub(sub(seed, 2), t), e · units + u) < rate,
 * the others grow by 1 / (1 - rate).
 * @param activations [units, examples]
 */
export function drop(activations: Float32Array, units: number, { seed, step, rate }: { seed: number; step: number; rate: number }): void {
  const stepSeed = sub(sub(seed, DROPOUT), step);
  const examples = activations.length / units;
  const scale = 1 / (1 - rate);
  for (let unit = 0, i = 0; unit < units; unit += 1) {
    for (let example = 0; example < examples; example += 1, i += 1) {
      activations[i] = uniform(stepSeed, example * units + unit) < rate ? 0 : activations[i]! * scale;
    }
  }
}
