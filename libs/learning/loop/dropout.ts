import { openStream, PURPOSE } from "#libs/deterministic";
import type { Kernels, Tensor } from "../engines/kernels.ts";

/**
 * The masks of dropout of one step: number i of a layer, row by row, is 0 where the i-th uniform number is below the rate, else
 * 1 / (1 - rate). The numbers are those of the stream of [seed, 3] at [step, layer], layers counted from 0.
 */
export function dropoutMasks(
  kernels: Kernels,
  { seed, step, rate }: { seed: number; step: number; rate: number },
): (shape: readonly number[]) => Tensor {
  let layer = 0;
  const kept = 1 / (1 - rate);
  return (shape) => {
    const stream = openStream([seed, PURPOSE.dropout], [step, layer]);
    layer += 1;
    const size = shape.reduce((product, length) => product * length, 1);
    const mask = new Float32Array(size);
    for (let i = 0; i < size; i += 1) mask[i] = stream.uniform() < rate ? 0 : kept;
    return kernels.tensor(mask, shape);
  };
}
