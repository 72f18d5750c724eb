import type { Batch } from "#libs/batches";
import type { Network } from "#libs/networks";
import { counted } from "#libs/text";
import type { Kernels, Tensor } from "../engines/kernels.ts";
import { UnfitInputError } from "../errors.ts";

/** Pictures of bytes as a network takes them, x / 255 less the mean, by the deviation of each channel; they belong to the caller. */
export function enter(kernels: Kernels, { input }: Network, { pixels, rows }: Batch): Tensor {
  const { channels, height, width, mean, deviation } = input;
  if (pixels.length !== rows * height * width * channels)
    throw new UnfitInputError(
      `A batch of ${counted(rows, "image")} has ${pixels.length} bytes; they have ${height} × ${width} pixels of ${channels}`,
    );
  const scale = Float32Array.from(deviation, (sigma) => 1 / (255 * sigma));
  const shift = Float32Array.from(mean, (mu, channel) => -mu / deviation[channel]!);
  return kernels.scope(
    () => {
      const bytes = kernels.bytes(pixels, [rows, height, width, channels]);
      return kernels.add(kernels.multiply(bytes, kernels.tensor(scale, [channels])), kernels.tensor(shift, [channels]));
    },
    (tensor) => [tensor],
  );
}

/** @throws UnfitInputError for a label that the network has no class for */
export function checkLabels({ labels }: Batch, { classes }: Network): void {
  const wrong = labels.find((label) => label < 0 || label >= classes);
  if (wrong !== undefined) throw new UnfitInputError(`The data has label ${wrong}, the head has ${counted(classes, "class", "classes")}`);
}
