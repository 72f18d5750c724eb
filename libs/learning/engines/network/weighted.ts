import type { Op } from "#libs/networks";
import type { Kernels, Tensor } from "../kernels.ts";
import type { Layer } from "./layer.ts";

type Of<Name extends Op["op"]> = Extract<Op, { op: Name }>;

/** weight · x + bias on the last axis, whatever is before it. The weight is [outputs, inputs], as in PyTorch. */
export function linear(op: Of<"linear">): Layer {
  return {
    weights: [op.weight, op.bias],
    forward({ kernels, tensor }, [x]) {
      const weight = tensor(op.weight);
      const product = kernels.product(rowsOf(kernels, x!), weight, { b: true });
      const output = kernels.add(product, tensor(op.bias));
      return { output: kernels.reshape(output, [...x!.shape.slice(0, -1), weight.shape[0]!]), saved: [] };
    },
    backward({ kernels, tensor, trains }, { gradient, inputs: [x], wanted: [wanted] }) {
      const rows = rowsOf(kernels, gradient);
      const weights = new Map<string, Tensor>();
      if (trains(op.weight)) weights.set(op.weight, kernels.product(rows, rowsOf(kernels, x!), { a: true }));
      if (trains(op.bias)) weights.set(op.bias, kernels.reshape(kernels.sum(rows, [0]), [rows.shape[1]!]));
      const input = wanted ? kernels.reshape(kernels.product(rows, tensor(op.weight)), x!.shape) : undefined;
      return { inputs: [input], weights };
    },
  };
}

function rowsOf(kernels: Kernels, x: Tensor): Tensor {
  const features = x.shape.at(-1)!;
  return kernels.reshape(x, [x.shape.reduce((count, size) => count * size, 1) / features, features]);
}

/** Each feature times a number of its own. */
export function scale(op: Of<"scale">): Layer {
  return {
    weights: [op.weight],
    forward: ({ kernels, tensor }, [x]) => ({ output: kernels.multiply(x!, tensor(op.weight)), saved: [] }),
    backward({ kernels, tensor }, { gradient, inputs: [x], wanted: [wanted] }) {
      const axes = gradient.shape.slice(0, -1).map((_, axis) => axis);
      const products = kernels.sum(kernels.multiply(gradient, x!), axes);
      return {
        inputs: [wanted ? kernels.multiply(gradient, tensor(op.weight)) : undefined],
        weights: new Map([[op.weight, kernels.reshape(products, [gradient.shape.at(-1)!])]]),
      };
    },
  };
}

export function positions(op: { readonly weight: string }): Layer {
  return {
    weights: [op.weight],
    forward: ({ kernels, tensor }, [x]) => ({ output: kernels.add(x!, tensor(op.weight)), saved: [] }),
    backward: ({ kernels }, { gradient, wanted: [wanted] }) => ({
      inputs: [wanted ? kernels.reshape(gradient, gradient.shape) : undefined],
      weights: new Map([[op.weight, kernels.sum(gradient, [0])]]),
    }),
  };
}

/** A token before all others, the same for every example. */
export function classToken(op: { readonly weight: string }): Layer {
  return {
    weights: [op.weight],
    forward({ kernels, tensor }, [x]) {
      const ones = kernels.tensor(new Float32Array(x!.shape[0]!).fill(1), [x!.shape[0]!, 1, 1]);
      return { output: kernels.concat([kernels.multiply(ones, tensor(op.weight)), x!], 1), saved: [] };
    },
    backward({ kernels }, { gradient, inputs: [x], wanted: [wanted] }) {
      const [count = 0, , features = 0] = gradient.shape;
      const first = kernels.slice(gradient, [0, 0, 0], [count, 1, features]);
      return {
        inputs: [wanted ? kernels.slice(gradient, [0, 1, 0], x!.shape) : undefined],
        weights: new Map([[op.weight, kernels.sum(first, [0])]]),
      };
    },
  };
}
