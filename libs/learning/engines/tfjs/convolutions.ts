import type { Convolutions, Tensor, Window } from "../kernels.ts";
import type { RunKernel } from "./run-kernel.ts";

/** Convolutions and pooling as tfjs has them. */
export function convolutions(run: RunKernel): Convolutions {
  const geometry = ({ stride, padding: { top, bottom, left, right } }: Window) => ({
    strides: [stride, stride],
    pad: [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ],
    dataFormat: "NHWC",
    dilations: [1, 1],
  });
  const pooling = (size: number, { stride, padding }: Window) => ({
    filterSize: [size, size],
    strides: [stride, stride],
    pad: padding.top,
  });
  const inputGradient =
    (kernel: string): Convolutions["convolveInputGradient"] =>
    (dy, filter, shape, window) =>
      run(kernel, { dy, filter }, { ...geometry(window), inputShape: [...shape] });
  const filterGradient =
    (kernel: string): Convolutions["convolveFilterGradient"] =>
    (x, dy, shape, window) =>
      run(kernel, { x, dy }, { ...geometry(window), filterShape: [...shape] });
  return {
    convolve: (x: Tensor, filter, window) => run("Conv2D", { x, filter }, geometry(window)),
    convolveInputGradient: inputGradient("Conv2DBackpropInput"),
    convolveFilterGradient: filterGradient("Conv2DBackpropFilter"),
    depthwise: (x, filter, window) => run("DepthwiseConv2dNative", { x, filter }, geometry(window)),
    depthwiseInputGradient: inputGradient("DepthwiseConv2dNativeBackpropInput"),
    depthwiseFilterGradient: filterGradient("DepthwiseConv2dNativeBackpropFilter"),
    maxPool: (x, size, window) => run("MaxPool", { x }, pooling(size, window)),
    maxPoolGradient: (input, output, dy, size, window) => run("MaxPoolGrad", { dy, input, output }, pooling(size, window)),
  };
}
