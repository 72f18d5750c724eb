import type { Op } from "#libs/networks";
import type { Kernels, Tensor } from "../kernels.ts";
import type { Layer } from "./layer.ts";

type Of<Name extends Op["op"]> = Extract<Op, { op: Name }>;

const NO_WEIGHTS: ReadonlyMap<string, Tensor> = new Map();

/** A layer without weights of one input. @param backward is called where the input needs a gradient. */
function plain(
  forward: (kernels: Kernels, x: Tensor) => Tensor,
  backward: (kernels: Kernels, gradient: Tensor, x: Tensor, output: Tensor) => Tensor,
): Layer {
  return {
    weights: [],
    forward: ({ kernels }, [x]) => ({ output: forward(kernels, x!), saved: [] }),
    backward: ({ kernels }, { gradient, inputs: [x], output, wanted: [wanted] }) => ({
      inputs: [wanted ? backward(kernels, gradient, x!, output) : undefined],
      weights: NO_WEIGHTS,
    }),
  };
}

export const relu = plain(
  (kernels, x) => kernels.relu(x),
  (kernels, gradient, _, output) => kernels.reluGradient(gradient, output),
);

export const relu6 = plain(
  (kernels, x) => kernels.relu6(x),
  (kernels, gradient, _, output) => kernels.relu6Gradient(gradient, output),
);

/** x · Φ(x), and its derivative Φ(x) + x · φ(x), with the normal distribution Φ(x) = (1 + erf(x / √2)) / 2 and its density φ. */
export const gelu = plain(
  (kernels, x) => kernels.multiply(x, distribution(kernels, x)),
  (kernels, gradient, x) => {
    const density = kernels.times(kernels.exponential(kernels.times(kernels.multiply(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return kernels.multiply(gradient, kernels.add(distribution(kernels, x), kernels.multiply(x, density)));
  },
);

function distribution(kernels: Kernels, x: Tensor): Tensor {
  return kernels.times(kernels.plus(kernels.errorFunction(kernels.times(x, Math.SQRT1_2)), 1), 0.5);
}

export const average = plain(
  (kernels, x) => kernels.times(kernels.reshape(kernels.sum(x, [1, 2]), [x.shape[0]!, x.shape[3]!]), 1 / (x.shape[1]! * x.shape[2]!)),
  (kernels, gradient, { shape: [count = 0, height = 0, width = 0, channels = 0] }) => {
    const share = kernels.tensor(new Float32Array(height * width).fill(1 / (height * width)), [1, height, width, 1]);
    return kernels.multiply(kernels.reshape(gradient, [count, 1, 1, channels]), share);
  },
);

/** Channel by channel, as PyTorch flattens. */
export const flatten = plain(
  (kernels, x) => kernels.reshape(kernels.transpose(x, [0, 3, 1, 2]), [x.shape[0]!, x.shape[1]! * x.shape[2]! * x.shape[3]!]),
  (kernels, gradient, { shape: [count = 0, height = 0, width = 0, channels = 0] }) =>
    kernels.transpose(kernels.reshape(gradient, [count, channels, height, width]), [0, 2, 3, 1]),
);

export const tokens = plain(
  (kernels, x) => kernels.reshape(x, [x.shape[0]!, x.shape[1]! * x.shape[2]!, x.shape[3]!]),
  (kernels, gradient, x) => kernels.reshape(gradient, x.shape),
);

/** The mask is an input of the backward pass. Outside of training nothing is done. */
export const dropout: Layer = {
  weights: [],
  forward({ kernels, dropout: maskFor }, [x]) {
    if (!maskFor) return { output: kernels.reshape(x!, x!.shape), saved: [] };
    const mask = maskFor(x!.shape);
    return { output: kernels.multiply(x!, mask), saved: [mask] };
  },
  backward({ kernels }, { gradient, saved: [mask], wanted: [wanted] }) {
    if (!wanted) return { inputs: [undefined], weights: NO_WEIGHTS };
    return { inputs: [mask ? kernels.multiply(gradient, mask) : kernels.reshape(gradient, gradient.shape)], weights: NO_WEIGHTS };
  },
};

export function maxPool({ kernel, stride, padding }: Of<"max-pool">): Layer {
  const window = { stride, padding: { top: padding, bottom: padding, left: padding, right: padding } };
  return plain(
    (kernels, x) => kernels.maxPool(x, kernel, window),
    (kernels, gradient, x, output) => kernels.maxPoolGradient(x, output, gradient, kernel, window),
  );
}

export const add: Layer = {
  weights: [],
  forward: ({ kernels }, [a, b]) => ({ output: kernels.add(a!, b!), saved: [] }),
  // Tensors have one owner: each input gets its own.
  backward: ({ kernels }, { gradient, wanted }) => ({
    inputs: wanted.map((wants) => (wants ? kernels.reshape(gradient, gradient.shape) : undefined)),
    weights: NO_WEIGHTS,
  }),
};

export function takeToken({ index }: Of<"take-token">): Layer {
  return plain(
    (kernels, x) => kernels.reshape(kernels.slice(x, [0, index, 0], [x.shape[0]!, 1, x.shape[2]!]), [x.shape[0]!, x.shape[2]!]),
    (kernels, gradient, { shape: [count = 0, length = 0, features = 0] }) => {
      const place = new Float32Array(length);
      place[index] = 1;
      return kernels.multiply(kernels.reshape(gradient, [count, 1, features]), kernels.tensor(place, [1, length, 1]));
    },
  );
}
