import type { Op, TensorSpec } from "#libs/networks";
import type { Statistics, Tensor, Window } from "../kernels.ts";
import type { Layer, Pass } from "./layer.ts";

type Convolution = Extract<Op, { op: "conv2d" }>;
type Normalisation = Extract<Op, { op: "batch-norm" }>;
type Activation = "relu" | "relu6";

/** A convolution with what may follow it and is computed with it. */
export type ConvolutionParts = { readonly norm?: Normalisation | undefined; readonly activation?: Activation | undefined };

/**
 * A convolution, the batch normalisation after it, and the activation after that.
 *
 * With statistics that do not change, batch normalisation is a scale s = weight / √(variance + ε) of each output and a shift. Forward it is
 * computed as it stands: scaling the filter instead would save a pass, but round so much more that activations near 0 change sides.
 * Backward the scale goes into the filter V = W · s, and no gradient of the normalisation's input is computed. With dV the gradient of V and
 * db that of the shift: dW = dV · s, dbias = db, and as the sum of dy · (W * x) over all places is the sum of W · dV over an output's filter,
 * dweight = (sum of W · dV - mean · db) / √(variance + ε).
 */
export function convolution(op: Convolution, spec: TensorSpec, { norm, activation }: ConvolutionParts): Layer {
  const [outputs = 0, , rows = 0, columns = 0] = spec.shape;
  const depthwise = op.groups > 1;
  // An output's numbers lie along all axes of the filter but the last one, or in a depthwise one all but the last two.
  const sides = depthwise ? [0, 1] : [0, 1, 2];
  const scaleShape = depthwise ? [op.groups, outputs / op.groups] : [outputs];

  const windowOf = ({ shape }: Tensor): Window => {
    const along = (size: number, kernel: number) => {
      if (op.padding !== "same") return [op.padding, op.padding] as const;
      const all = Math.max(0, (Math.ceil(size / op.stride) - 1) * op.stride + kernel - size);
      return [Math.floor(all / 2), all - Math.floor(all / 2)] as const;
    };
    const [[top, bottom], [left, right]] = [along(shape[1]!, rows), along(shape[2]!, columns)];
    return { stride: op.stride, padding: { top, bottom, left, right } };
  };

  return {
    weights: [op.weight, op.bias, norm?.weight, norm?.bias].filter((name) => name !== undefined),
    forward({ kernels, tensor }, [x]) {
      const convolved = (depthwise ? kernels.depthwise : kernels.convolve)(x!, tensor(op.weight), windowOf(x!));
      const shifted = norm
        ? kernels.normalise(convolved, statisticsOf(tensor, norm))
        : op.bias === undefined
          ? convolved
          : kernels.add(convolved, tensor(op.bias));
      return { output: activation === undefined ? shifted : kernels[activation](shifted), saved: [] };
    },
    backward({ kernels, tensor, trains }, { gradient, inputs: [x], output, wanted: [wanted] }) {
      const weights = new Map<string, Tensor>();
      const inside = activation === undefined ? gradient : kernels[`${activation}Gradient`](gradient, output);
      const window = windowOf(x!);
      const shiftGradient = () => kernels.reshape(kernels.sum(inside, [0, 1, 2]), [outputs]);
      const needsFilter = trains(op.weight) || (norm !== undefined && trains(norm.weight));
      const filterGradient = depthwise ? kernels.depthwiseFilterGradient : kernels.convolveFilterGradient;
      const weight = tensor(op.weight);
      const root = norm && kernels.reciprocalRoot(kernels.plus(tensor(norm.variance), norm.epsilon));
      const scale = norm && root && kernels.reshape(kernels.multiply(tensor(norm.weight), root), scaleShape);
      if (needsFilter) {
        const scaled = filterGradient(x!, inside, weight.shape, window);
        weights.set(op.weight, scale ? kernels.multiply(scaled, scale) : scaled);
        if (norm && root) {
          const shift = shiftGradient();
          const products = kernels.reshape(kernels.sum(kernels.multiply(weight, scaled), sides), [outputs]);
          weights.set(norm.weight, kernels.multiply(kernels.subtract(products, kernels.multiply(tensor(norm.mean), shift)), root));
          weights.set(norm.bias, shift);
        }
      }
      if (op.bias !== undefined && trains(op.bias)) weights.set(op.bias, shiftGradient());
      const inputGradient = depthwise ? kernels.depthwiseInputGradient : kernels.convolveInputGradient;
      const filter = scale ? kernels.multiply(weight, scale) : weight;
      return { inputs: [wanted ? inputGradient(inside, filter, x!.shape, window) : undefined], weights };
    },
  };
}

function statisticsOf(tensor: Pass["tensor"], { mean, variance, weight, bias, epsilon }: Normalisation): Statistics {
  return { mean: tensor(mean), variance: tensor(variance), weight: tensor(weight), bias: tensor(bias), epsilon };
}
