import type { Op } from "#libs/networks";
import type { Kernels, Tensor } from "../kernels.ts";
import type { Layer } from "./layer.ts";

/**
 * Attention of tokens to each other, P = softmax(Q · Kᵀ / √d) and O = P · V for each head. Backward: dV = Pᵀ · dO, dP = dO · Vᵀ,
 * dS = P · (dP - rowwise sum of dP · P), dQ = dS · K / √d, dK = dSᵀ · Q / √d.
 */
export function attention({ heads }: Extract<Op, { op: "attention" }>): Layer {
  return {
    weights: [],
    forward({ kernels }, [x]) {
      const [count = 0, length = 0, width = 0] = x!.shape;
      const size = width / 3 / heads;
      const [queries, keys, values] = [0, 1, 2].map((part) => {
        const own = kernels.slice(x!, [0, 0, (part * width) / 3], [count, length, width / 3]);
        return kernels.transpose(kernels.reshape(own, [count, length, heads, size]), [0, 2, 1, 3]);
      }) as [Tensor, Tensor, Tensor];
      const shares = kernels.softmax(kernels.product(kernels.times(queries, 1 / Math.sqrt(size)), keys, { b: true }));
      return { output: sideBySide(kernels, kernels.product(shares, values)), saved: [queries, keys, values, shares] };
    },
    backward({ kernels }, { gradient, saved: [queries, keys, values, shares], wanted: [wanted] }) {
      if (!wanted) return { inputs: [undefined], weights: new Map() };
      const [count = 0, , length = 0, size = 0] = queries!.shape;
      const output = kernels.transpose(kernels.reshape(gradient, [count, length, heads, size]), [0, 2, 1, 3]);
      const valueGradient = kernels.product(shares!, output, { a: true });
      const shareGradient = kernels.product(output, values!, { b: true });
      const sums = kernels.sum(kernels.multiply(shareGradient, shares!), [3]);
      const scores = kernels.times(kernels.multiply(shares!, kernels.subtract(shareGradient, sums)), 1 / Math.sqrt(size));
      const parts = [kernels.product(scores, keys!), kernels.product(scores, queries!, { a: true }), valueGradient];
      return {
        inputs: [
          kernels.concat(
            parts.map((part) => sideBySide(kernels, part)),
            2,
          ),
        ],
        weights: new Map(),
      };
    },
  };
}

/** [count, heads, length, size] as [count, length, heads · size]. */
function sideBySide(kernels: Kernels, x: Tensor): Tensor {
  const [count = 0, heads = 0, length = 0, size = 0] = x.shape;
  return kernels.reshape(kernels.transpose(x, [0, 2, 1, 3]), [count, length, heads * size]);
}
