import type { Attribute } from "#libs/tensorflow";
import type { Convolutions, Tensor, Window } from "../kernels.ts";
import type { Attributes } from "./attributes.ts";
import type { Runner } from "./runner.ts";

/** Convolutions and pooling, of which TensorFlow has several implementations by the kind of padding. */
export function convolutions({ run, whole }: Runner, { floats, integer, integers, text }: Attributes, accelerator: boolean): Convolutions {
  const known = new Map<string, readonly Attribute[]>();

  /** @param shape of the pictures; @param kernel height and width of the windows. */
  function attributes(
    shape: readonly number[],
    kernel: readonly number[],
    { stride, padding }: Window,
    pool: boolean,
  ): readonly Attribute[] {
    const { top, bottom, left, right } = padding;
    const key = [pool, shape[1], shape[2], kernel[0], kernel[1], stride, top, bottom, left, right].join();
    const before = known.get(key);
    if (before) return before;
    const pads = [[top, bottom] as const, [left, right] as const];
    const same = pads.every(([start, end], axis) => {
      const all = Math.max(0, (Math.ceil(shape[axis + 1]! / stride) - 1) * stride + kernel[axis]! - shape[axis + 1]!);
      return start === Math.floor(all / 2) && end === all - start;
    });
    const name = pads.flat().every((pad) => pad === 0) ? "VALID" : same ? "SAME" : "EXPLICIT";
    const made = [
      floats(),
      integer("strides", [1, stride, stride, 1]),
      text("padding", name),
      integer("explicit_paddings", name === "EXPLICIT" ? [0, 0, top, bottom, left, right, 0, 0] : []),
      text("data_format", "NHWC"),
      pool ? integer("ksize", [1, kernel[0], kernel[1], 1]) : integer("dilations", [1, 1, 1, 1]),
    ];
    known.set(key, made);
    return made;
  }

  const threeOf = (forward: string, input: string, filter: string) =>
    [
      (x, weights, window) => run(forward, attributes(x.shape, weights.shape, window, false), [x, weights]),
      (gradient, weights, shape, window) => run(input, attributes(shape, weights.shape, window, false), [whole(shape), weights, gradient]),
      (x, gradient, shape, window) => run(filter, attributes(x.shape, shape, window, false), [x, whole(shape), gradient]),
    ] satisfies [Convolutions["convolve"], Convolutions["convolveInputGradient"], Convolutions["convolveFilterGradient"]];
  const [convolve, convolveInputGradient, convolveFilterGradient] = threeOf("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter");
  const [depthwise, depthwiseInputGradient, depthwiseFilterGradient] = threeOf(
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
  );

  /**
   * The gradient as a convolution of the gradient with the filter turned round, whose inputs and outputs have changed places. TensorFlow's own
   * kernel multiplies picture by picture on processors: with pictures of 2 × 2 and 512 channels it takes a hundred times as long.
   */
  const turned: Convolutions["convolveInputGradient"] = (gradient, filter, shape, { stride, padding }) => {
    const [rows = 0, columns = 0] = filter.shape;
    const flipped = run("ReverseV2", [floats(), integers("Tidx")], [filter, whole([0, 1])]);
    const swapped = run("Transpose", [floats(), integers("Tperm")], [flipped, whole([0, 1, 3, 2])]);
    const spread = stride === 1 ? gradient : spreadOut(gradient);
    const [top, left] = [rows - 1 - padding.top, columns - 1 - padding.left];
    const bottom = shape[1]! - spread.shape[1]! - top + rows - 1;
    const right = shape[2]! - spread.shape[2]! - left + columns - 1;
    return convolve(spread, swapped, { stride: 1, padding: { top, left, bottom, right } });
  };

  /** Zeros after every row and every column. */
  function spreadOut(gradient: Tensor): Tensor {
    const zeros = run("ZerosLike", [floats()], [gradient]);
    const four = run("ConcatV2", [integer("N", 4), floats(), integers("Tidx")], [gradient, zeros, zeros, zeros, whole(3)]);
    return run("DepthToSpace", [floats(), integer("block_size", 2), text("data_format", "NHWC")], [four]);
  }

  /** Places of a picture below which TensorFlow's own kernel is slower than one that goes over four times as many. */
  const FEW_PLACES = 16;

  function turns(gradient: Tensor, filter: Tensor, { stride }: Window): boolean {
    const [, rows = 0, columns = 0] = gradient.shape;
    const [size = 0] = filter.shape;
    if (accelerator || size === 1) return false;
    return stride === 1 || (stride === 2 && size > 2 && rows * columns <= FEW_PLACES);
  }

  return {
    convolve,
    convolveInputGradient: (gradient, filter, shape, window) =>
      (turns(gradient, filter, window) ? turned : convolveInputGradient)(gradient, filter, shape, window),
    convolveFilterGradient,
    depthwise,
    depthwiseInputGradient,
    depthwiseFilterGradient,
    maxPool: (x, size, window) => run("MaxPool", attributes(x.shape, [size, size], window, true), [x]),
    maxPoolGradient: (x, output, gradient, size, window) =>
      run("MaxPoolGrad", attributes(x.shape, [size, size], window, true), [x, output, gradient]),
  };
}
