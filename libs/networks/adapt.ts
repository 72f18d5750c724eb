import { resamplePositions } from "./resample-positions.ts";
import { product } from "./shapes.ts";
import { INPUT, type Network, type TensorSpec } from "./types.ts";

/** How a tensor of another shape becomes the network's, and the sentence that says so where numbers change. */
export type Adaptation = { readonly note?: string; readonly adapt: (data: Float32Array) => Float32Array };

/** How a tensor of this shape can become one of the network's; undefined where it cannot. */
export function adaptation(network: Network, spec: TensorSpec, shape: readonly number[]): Adaptation | undefined {
  const op = network.graph.find((candidate) => "weight" in candidate && candidate.weight === spec.name);
  if (op?.op === "conv2d" && op.from === INPUT) return ofChannels(spec, shape);
  if (op?.op === "scale") return ofScale(spec, shape);
  return op?.op === "positions" ? ofPositions(spec, shape) : undefined;
}

/** One number a channel, which torchvision has with places of length 1. There is nothing to say of it. */
function ofScale({ shape: [channels] }: TensorSpec, shape: readonly number[]): Adaptation | undefined {
  return shape.join() === `${channels},1,1` ? { adapt: (data) => data } : undefined;
}

/** The first convolution for another count of channels: channel i is what channel i mod (their count) was, as DomainBed does (class ResNet of its networks.py). */
function ofChannels({ name, shape: [outputs = 0, channels = 0, ...kernel] }: TensorSpec, shape: readonly number[]): Adaptation | undefined {
  const [theirOutputs, theirs = 0, ...theirKernel] = shape;
  if (theirOutputs !== outputs || theirs === 0 || theirKernel.join() !== kernel.join()) return undefined;
  const size = product(kernel);
  return {
    note: `${name} was for ${theirs} channels: channel i of ${channels} takes that of channel i mod ${theirs}`,
    adapt: (data) => {
      const adapted = new Float32Array(outputs * channels * size);
      for (let output = 0; output < outputs; output += 1) {
        for (let channel = 0; channel < channels; channel += 1) {
          const from = (output * theirs + (channel % theirs)) * size;
          adapted.set(data.subarray(from, from + size), (output * channels + channel) * size);
        }
      }
      return adapted;
    },
  };
}

/** Position embeddings for another square grid. */
function ofPositions({ name, shape: [, tokens = 0, features = 0] }: TensorSpec, shape: readonly number[]): Adaptation | undefined {
  const [one, theirTokens = 0, theirFeatures] = shape;
  const [to, from] = [Math.sqrt(tokens - 1), Math.sqrt(theirTokens - 1)];
  if (shape.length !== 3 || one !== 1 || theirFeatures !== features || !Number.isInteger(from) || from === 0) return undefined;
  return {
    note: `${name} was for ${from} × ${from} places: resampled for ${to} × ${to}`,
    adapt: (data) => resamplePositions(data, from, to, features),
  };
}
