import type { Prediction } from "#libs/predictions";
import type { Digest } from "#libs/recipes";
import { network, symbols } from "./digits.ts";
import type { TestSystem } from "./system.ts";

/** A prediction that is right in every row but every `wrongEach`-th. */
export function prediction(
  wrongEach: number,
  { rows = 20, classes = 3, ...changes }: Partial<Omit<Prediction, "rows">> & { rows?: number } = {},
) {
  const labels = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const logits = new Float32Array(rows * classes);
  for (const [row, label] of labels.entries()) logits[row * classes + ((label + Number(row % wrongEach === 0)) % classes)] = 3;
  const columns = { rows: Int32Array.from(labels.keys()), rowDomains: Int32Array.from(labels, (_, i) => Number(2 * i >= rows)) };
  return { classes, domains: ["art", "photo"], logits, labels, ...columns, ...changes };
}

/** Two models of a data set, and what each says of its rows. */
export async function publishPredictions(system: TestSystem): Promise<{ dataset: Digest; models: Digest[]; predictions: Digest[] }> {
  const dataset = await system.publishDataset(symbols(60, 1), 1);
  const models: Digest[] = [];
  for (const seed of [0, 1]) models.push(await system.publishModel(network(seed, [4]), { dataset, seed }));
  const predictions: Digest[] = [];
  for (const [i, model] of models.entries()) predictions.push(await system.publishPrediction(prediction(4 + i), { model, dataset }));
  return { dataset, models, predictions };
}
