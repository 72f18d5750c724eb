import type { Training } from "#proto/ratatouille/v1/recycling_pb.ts";

/** Numbers in one image. */
const FEATURES = 256;

/** Multiply-adds of a training on `datasets` data sets: forward, and backward for weights and (beyond the first layer) activations. */
export function mlpWork(hidden: readonly number[], classes: number, { steps, batch }: Training, datasets: number): number {
  return 3 * steps * batch * datasets * forwardWork(hidden, classes);
}

/** Multiply-adds of one image through the network. */
export function forwardWork(hidden: readonly number[], classes: number): number {
  const widths = [FEATURES, ...hidden, classes];
  return widths.slice(1).reduce((sum, width, layer) => sum + width * (widths[layer] as number), 0);
}
