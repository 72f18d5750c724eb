import { UnfitInputError } from "../errors.ts";

/** Tensors of a model by PyTorch's names (`fc1.weight`, `head.bias`), in PyTorch's layouts: weights are [outputs, inputs], row by row. */
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** One fully connected layer and where its numbers lie in the vector of all parameters. */
export type Layer = {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly weightOffset: number;
  readonly biasOffset: number;
};

/** A multilayer perceptron: `fc1`, `fc2` … with ReLU, then `head`. All parameters form one vector, in this order. */
export type Layout = { readonly layers: readonly Layer[]; readonly inputs: number; readonly classes: number; readonly size: number };

/** The layout of a network. Without hidden layers it is a linear classifier. */
export function layoutOf(inputs: number, hidden: readonly number[], classes: number): Layout {
  const widths = [inputs, ...hidden, classes];
  const layers: Layer[] = [];
  let size = 0;
  for (let i = 0; i + 1 < widths.length; i += 1) {
    const [fanIn, outputs] = [widths[i]!, widths[i + 1]!];
    const name = i === hidden.length ? "head" : `fc${i + 1}`;
    layers.push({ name, inputs: fanIn, outputs, weightOffset: size, biasOffset: size + fanIn * outputs });
    size += (fanIn + 1) * outputs;
  }
  return { layers, inputs, classes, size };
}

/** The layout that weights have. @throws UnfitInputError naming the tensor that is missing, or is none of this network. */
export function layoutOfWeights(weights: Weights): Layout {
  const hidden: number[] = [];
  while (weights.has(`fc${hidden.length + 1}.weight`)) hidden.push(weights.get(`fc${hidden.length + 1}.weight`)!.shape[0]!);
  const head = tensor(weights, "head.weight");
  const first = tensor(weights, hidden.length === 0 ? "head.weight" : "fc1.weight");
  const layout = layoutOf(first.shape[1] ?? 0, hidden, head.shape[0] ?? 0);
  refuseOthers(weights, layout);
  return layout;
}

/** A tensor that no layer of the network applies would be left out without a word. @throws UnfitInputError naming it */
export function refuseOthers(weights: Weights, { layers }: Layout): void {
  const known = new Set(layers.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]));
  const other = [...weights.keys()].find((name) => !known.has(name));
  if (other === undefined) return;
  throw new UnfitInputError(`The network has no place for ${other}; it has ${[...known].join(", ")}`);
}

/** The vector of all parameters. @throws UnfitInputError naming a tensor that is missing or has another shape. */
export function flatten(weights: Weights, layout: Layout): Float32Array {
  const flat = new Float32Array(layout.size);
  for (const layer of layout.layers) {
    const parts = [
      { name: `${layer.name}.weight`, shape: [layer.outputs, layer.inputs], offset: layer.weightOffset },
      { name: `${layer.name}.bias`, shape: [layer.outputs], offset: layer.biasOffset },
    ];
    for (const { name, shape, offset } of parts) {
      const found = tensor(weights, name);
      if (found.shape.join() !== shape.join()) throw new UnfitInputError(`${name}: expected shape [${shape}], got [${found.shape}]`);
      flat.set(found.data, offset);
    }
  }
  return flat;
}

/** The tensors of a vector of parameters; they are copies. */
export function unflatten(flat: Float32Array, layout: Layout): Map<string, { shape: number[]; data: Float32Array }> {
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const { name, inputs, outputs, weightOffset, biasOffset } of layout.layers) {
    weights.set(`${name}.weight`, { shape: [outputs, inputs], data: flat.slice(weightOffset, biasOffset) });
    weights.set(`${name}.bias`, { shape: [outputs], data: flat.slice(biasOffset, biasOffset + outputs) });
  }
  return weights;
}

function tensor(weights: Weights, name: string) {
  const found = weights.get(name);
  if (!found) throw new UnfitInputError(`The weights have no tensor ${name}; they have ${[...weights.keys()].join(", ") || "none"}`);
  return found;
}
