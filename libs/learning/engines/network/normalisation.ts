import type { Op } from "#libs/networks";
import type { Kernels, Tensor } from "../kernels.ts";
import type { Layer } from "./layer.ts";

type Of<Name extends Op["op"]> = Extract<Op, { op: Name }>;

/** Batch normalisation on its own, with statistics that do not change: a scale and a shift of each channel, or feature. */
export function batchNorm(op: Of<"batch-norm">): Layer {
  return {
    weights: [op.weight, op.bias],
    forward({ kernels, tensor }, [x]) {
      const root = kernels.reciprocalRoot(kernels.plus(tensor(op.variance), op.epsilon));
      const normal = kernels.multiply(kernels.subtract(x!, tensor(op.mean)), root);
      return { output: kernels.add(kernels.multiply(normal, tensor(op.weight)), tensor(op.bias)), saved: [normal, root] };
    },
    backward({ kernels, tensor }, { gradient, saved: [normal, root], wanted: [wanted] }) {
      const scale = kernels.multiply(tensor(op.weight), root!);
      const weights = scaleAndShift(kernels, op, gradient, normal!);
      return { inputs: [wanted ? kernels.multiply(gradient, scale) : undefined], weights };
    },
  };
}

/** The gradients of weight and bias where y = normal · weight + bias along the last axis. */
function scaleAndShift(
  kernels: Kernels,
  { weight, bias }: { weight: string; bias: string },
  gradient: Tensor,
  normal: Tensor,
): Map<string, Tensor> {
  const axes = gradient.shape.slice(0, -1).map((_, axis) => axis);
  const features = [gradient.shape.at(-1)!];
  const summed = (x: Tensor) => kernels.reshape(kernels.sum(x, axes), features);
  return new Map([
    [weight, summed(kernels.multiply(gradient, normal))],
    [bias, summed(gradient)],
  ]);
}

/**
 * Layer normalisation of the last axis, n numbers: with x̂ = (x - mean) / √(variance + ε) and g = dy · weight,
 * dx = (g - mean(g) - x̂ · mean(g · x̂)) / √(variance + ε).
 */
export function layerNorm(op: Of<"layer-norm">): Layer {
  const mean = (kernels: Kernels, x: Tensor) => kernels.times(kernels.sum(x, [x.shape.length - 1]), 1 / x.shape.at(-1)!);
  return {
    weights: [op.weight, op.bias],
    forward({ kernels, tensor }, [x]) {
      const centred = kernels.subtract(x!, mean(kernels, x!));
      const root = kernels.reciprocalRoot(kernels.plus(mean(kernels, kernels.multiply(centred, centred)), op.epsilon));
      const normal = kernels.multiply(centred, root);
      return { output: kernels.add(kernels.multiply(normal, tensor(op.weight)), tensor(op.bias)), saved: [normal, root] };
    },
    backward({ kernels, tensor }, { gradient, saved: [normal, root], wanted: [wanted] }) {
      const weights = scaleAndShift(kernels, op, gradient, normal!);
      if (!wanted) return { inputs: [undefined], weights };
      const scaled = kernels.multiply(gradient, tensor(op.weight));
      const along = kernels.multiply(normal!, mean(kernels, kernels.multiply(scaled, normal!)));
      const centred = kernels.subtract(kernels.subtract(scaled, mean(kernels, scaled)), along);
      return { inputs: [kernels.multiply(centred, root!)], weights };
    },
  };
}

/**
 * Group normalisation of pictures. Everything but three passes over the picture is done on numbers per example and channel. With M the
 * numbers of a group, r = 1 / √(variance + ε), and over the places of each channel B = sum of dy and D = sum of dy · (x - mean):
 * dx = r · weight · dy - r / M · (sum of weight · B over the group) - r³ / M · (sum of weight · D over the group) · (x - mean);
 * dweight = sum of r · D over examples, dbias = sum of B.
 */
export function groupNorm(op: Of<"group-norm">): Layer {
  const { groups, epsilon } = op;
  return {
    weights: [op.weight, op.bias],
    forward({ kernels, tensor }, [x]) {
      const [count = 0, height = 0, width = 0, channels = 0] = x!.shape;
      const grouped = groupSums(kernels, [count, groups, channels / groups]);
      const size = (height * width * channels) / groups;
      const mean = kernels.times(grouped(kernels.sum(x!, [1, 2])), 1 / size);
      const centred = kernels.subtract(x!, mean);
      const variance = kernels.times(grouped(kernels.sum(kernels.multiply(centred, centred), [1, 2])), 1 / size);
      const root = kernels.reciprocalRoot(kernels.plus(variance, epsilon));
      const output = kernels.add(kernels.multiply(centred, kernels.multiply(root, tensor(op.weight))), tensor(op.bias));
      return { output, saved: [centred, root] };
    },
    backward({ kernels, tensor }, { gradient, saved: [centred, root], wanted: [wanted] }) {
      const [count = 0, height = 0, width = 0, channels = 0] = gradient.shape;
      const grouped = groupSums(kernels, [count, groups, channels / groups]);
      const size = (height * width * channels) / groups;
      const sums = kernels.sum(gradient, [1, 2]);
      const products = kernels.sum(kernels.multiply(gradient, centred!), [1, 2]);
      const overExamples = (x: Tensor) => kernels.reshape(kernels.sum(x, [0]), [channels]);
      const weights = new Map([
        [op.weight, overExamples(kernels.multiply(products, root!))],
        [op.bias, overExamples(sums)],
      ]);
      if (!wanted) return { inputs: [undefined], weights };
      const weight = tensor(op.weight);
      const cube = kernels.multiply(root!, kernels.multiply(root!, root!));
      const slope = kernels.times(kernels.multiply(cube, grouped(kernels.multiply(products, weight))), -1 / size);
      const shift = kernels.times(kernels.multiply(root!, grouped(kernels.multiply(sums, weight))), -1 / size);
      const own = kernels.add(kernels.multiply(gradient, kernels.multiply(root!, weight)), shift);
      return { inputs: [kernels.add(own, kernels.multiply(centred!, slope))], weights };
    },
  };
}

/** Sums of numbers per channel over each group, for each channel of it: [count, 1, 1, channels] again. */
function groupSums(kernels: Kernels, [count, groups, width]: readonly [number, number, number]): (perChannel: Tensor) => Tensor {
  const ones = kernels.tensor(new Float32Array(width).fill(1), [1, 1, width]);
  return (perChannel) => {
    const sums = kernels.sum(kernels.reshape(perChannel, [count, groups, width]), [2]);
    return kernels.reshape(kernels.multiply(sums, ones), [count, 1, 1, groups * width]);
  };
}
