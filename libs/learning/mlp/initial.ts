import { sub, uniform } from "#libs/deterministic";
import type { TrainingParameters } from "#libs/recipes";
import { layoutOf, unflatten, type Weights } from "./layout.ts";

/**
 * He-uniform initialisation: weights uniform in ±sqrt(6/inputs), biases 0. Number k of layer l, counted in [inputs, outputs] order,
 * is (2U(sub(seed, l), k) - 1) · sqrt(6/inputs). Weights are [outputs, inputs], biases [outputs]; 256 features unless given.
 * @example
 * ```ts
 * const weights = initialWeights({ features: 4, hidden: [3], classes: 2, initSeed: 1 });
 * [...weights].map(([name, { shape }]) => `${name} ${shape}`); // ["fc1.weight 3,4", "fc1.bias 3", "head.weight 2,3", "head.bias 2"]
 * ```
 */
export function initialWeights(network: { features?: number; hidden: readonly number[]; classes: number; initSeed: number }): Weights {
  const layout = layoutOf(network.features ?? 256, network.hidden, network.classes);
  const flat = new Float32Array(layout.size);
  layout.layers.forEach(({ inputs, outputs, weightOffset }, index) => {
    const seed = sub(network.initSeed, index);
    const bound = Math.sqrt(6 / inputs);
    for (let input = 0; input < inputs; input += 1) {
      for (let output = 0; output < outputs; output += 1) {
        flat[weightOffset + output * inputs + input] = (2 * uniform(seed, input * outputs + output) - 1) * bound;
      }
    }
  });
  return unflatten(flat, layout);
}

/**
 * A head for `features` inputs: zeros, or `scale` times the He-uniform initialisation.
 * @example
 * ```ts
 * headWeights({ kind: "zeros", scale: 1, seed: 1, features: 3, classes: 1 }).get("head.weight"); // { shape: [1, 3], data: new Float32Array(3) }
 * ```
 */
export function headWeights(head: NonNullable<TrainingParameters["headInit"]> & { features: number; classes: number }): Weights {
  const weights = initialWeights({ features: head.features, hidden: [], classes: head.classes, initSeed: head.seed });
  const scale = head.kind === "zeros" ? 0 : Math.fround(head.scale);
  for (const { data } of weights.values()) for (let i = 0; i < data.length; i += 1) data[i] = scale === 0 ? 0 : data[i]! * scale;
  return weights;
}

/**
 * The tensors of a featurizer: all but the head's.
 * @example
 * ```ts
 * [...featurizerOf(initialWeights({ features: 4, hidden: [3], classes: 2, initSeed: 1 })).keys()]; // ["fc1.weight", "fc1.bias"]
 * ```
 */
export function featurizerOf(weights: Weights): Weights {
  return new Map([...weights].filter(([name]) => !name.startsWith("head.")));
}

/** The tensors of the head. */
export function headOf(weights: Weights): Weights {
  return new Map([...weights].filter(([name]) => name.startsWith("head.")));
}
