import type { Convolutions, Kernels, Tensor, Window } from "../kernels.ts";
import type { RunKernel } from "./run-kernel.ts";

type Missing = Pick<Convolutions, "convolveFilterGradient" | "depthwiseFilterGradient" | "depthwiseInputGradient" | "maxPoolGradient">;
type Basic = Pick<Kernels, "reshape" | "product" | "multiply" | "sum" | "concat" | "times" | "plus" | "numbers">;

/**
 * Gradients for which tfjs's WebAssembly backend has no kernels, made of those that it has. A filter has a number, or a matrix, for each of
 * its places; which pixels it meets there is a slice of the padded pictures.
 */
export function missingGradients(
  run: RunKernel,
  basic: Basic,
  { depthwise, maxPoolGradient }: Pick<Convolutions, "depthwise" | "maxPoolGradient">,
): Missing {
  const { reshape, product, multiply, sum, concat, times, plus, numbers } = basic;

  /** For each place of a filter, row by row, the pixels that it meets: as many as the gradient has. */
  function* pixels(
    x: Tensor,
    gradient: Tensor,
    [rows = 0, columns = 0]: readonly number[],
    { stride, padding }: Window,
  ): Generator<Tensor> {
    const [count = 0, height = 0, width = 0] = gradient.shape;
    const paddings = [
      [0, 0],
      [padding.top, padding.bottom],
      [padding.left, padding.right],
      [0, 0],
    ];
    const padded = run("PadV2", { x }, { paddings, constantValue: 0 });
    const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1) {
        const begin = [0, row, column, 0];
        const end = [count, row + (height - 1) * stride + 1, column + (width - 1) * stride + 1, x.shape[3]!];
        yield run("StridedSlice", { x: padded }, { begin, end, strides: [1, stride, stride, 1], ...masks });
      }
  }

  return {
    // The kernel that is there takes 0 for the largest number of a window that has none above it: all are moved up.
    maxPoolGradient(x, output, gradient, kernel, window) {
      const least = numbers(x).reduce((least, number) => Math.min(least, number), 0);
      if (least === 0) return maxPoolGradient(x, output, gradient, kernel, window);
      return maxPoolGradient(plus(x, -least), plus(output, -least), gradient, kernel, window);
    },
    convolveFilterGradient(x, gradient, shape, window) {
      const [, , inputs = 0, outputs = 0] = shape;
      const rows = reshape(gradient, [size(gradient) / outputs, outputs]);
      const places = [...pixels(x, gradient, shape, window)].map((met) =>
        product(reshape(met, [size(met) / inputs, inputs]), rows, { a: true }),
      );
      return reshape(concat(places, 0), shape);
    },
    depthwiseFilterGradient(x, gradient, shape, window) {
      const [, , inputs = 0, each = 0] = shape;
      // Every channel of the gradient beside the channel of the pictures that it comes from.
      const parts = reshape(gradient, [size(gradient) / (inputs * each), inputs, each]);
      const places = [...pixels(x, gradient, shape, window)].map((met) =>
        sum(multiply(parts, reshape(met, [size(met) / inputs, inputs, 1])), [0]),
      );
      return reshape(concat(places, 0), shape);
    },
    // The convolution of the gradient, with zeros between its rows and columns, and the filter turned round.
    depthwiseInputGradient(gradient, filter, shape, { stride, padding }) {
      const [rows = 0, columns = 0, inputs = 0, each = 0] = filter.shape;
      const flipped = run("Reverse", { x: filter }, { dims: [0, 1] });
      const spread = spreadOut(gradient, stride);
      const [top, left] = [rows - 1 - padding.top, columns - 1 - padding.left];
      const bottom = shape[1]! - spread.shape[1]! - top + rows - 1;
      const right = shape[2]! - spread.shape[2]! - left + columns - 1;
      const window = { stride: 1, padding: { top, left, bottom, right } };
      const outputs = inputs * each;
      const all = depthwise(spread, reshape(flipped, [rows, columns, outputs, 1]), window);
      return reshape(sum(reshape(all, [size(all) / outputs, inputs, each]), [2]), shape);
    },
  };

  /** A gradient with stride - 1 zeros after each row and column, but for the last ones. */
  function spreadOut(gradient: Tensor, stride: number): Tensor {
    if (stride === 1) return gradient;
    const [count = 0, height = 0, width = 0, channels = 0] = gradient.shape;
    const zeros = times(gradient, 0);
    const columns = concat([gradient, ...Array.from({ length: stride - 1 }, () => zeros)], 3);
    const wide = reshape(columns, [count, height, width * stride, channels]);
    const zeroRows = times(wide, 0);
    const flat = [wide, ...Array.from({ length: stride - 1 }, () => zeroRows)].map((x) =>
      reshape(x, [count, height, width * stride * channels]),
    );
    const tall = reshape(concat(flat, 2), [count, height * stride, width * stride, channels]);
    const [rows, wanted] = [(height - 1) * stride + 1, (width - 1) * stride + 1];
    return run("Slice", { x: tall }, { begin: [0, 0, 0, 0], size: [count, rows, wanted, channels] });
  }
}

function size({ shape }: Tensor): number {
  return shape.reduce((count, length) => count * length, 1);
}
