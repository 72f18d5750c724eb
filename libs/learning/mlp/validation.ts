import type { Examples } from "./batches.ts";
import { transpose, type Workspace } from "./matrix.ts";
import { createForward, type Network } from "./network.ts";

/** Prepares the mean over data sets of the accuracy on each, so that data sets of different sizes count alike. */
export function createValidation(workspace: Workspace, network: Network, datasets: readonly Examples[]): () => number {
  const { inputs, classes } = network.layout;
  const total = datasets.reduce((sum, { count }) => sum + count, 0);
  const rows = workspace.matrix(total, inputs);
  const columns = workspace.matrix(inputs, total);
  const forward = createForward(workspace, network, total);
  let row = 0;
  for (const { images, count } of datasets) {
    rows.values.set(images, row * inputs);
    row += count;
  }
  transpose(rows, columns);
  return () => {
    const logits = forward(columns).at(-1)!.values;
    let example = 0;
    let accuracies = 0;
    for (const { labels, count } of datasets) {
      let correct = 0;
      for (const label of labels) {
        if (largest(logits, example, total, classes) === label) correct += 1;
        example += 1;
      }
      accuracies += correct / count;
    }
    return accuracies / datasets.length;
  };
}

/** The class with the largest logit of an example, the first one on ties. */
function largest(logits: Float32Array, example: number, examples: number, classes: number): number {
  let best = 0;
  for (let k = 1; k < classes; k += 1) if (logits[k * examples + example]! > logits[best * examples + example]!) best = k;
  return best;
}
