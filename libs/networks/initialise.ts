import { openStream, PURPOSE, type Stream } from "#libs/deterministic";
import { product } from "./shapes.ts";
import type { Init, Network, NetworkTensor, NetworkWeights } from "./types.ts";

/**
 * The weights of a network that nobody trained, as its library fills it (other numbers, the same distributions): tensor k of the network draws its
 * elements one after another from Philox under the key [seed, 4] at place [k].
 * @param given tensors that are there already, for example all but the head: they stay, and change nothing in what others draw
 * @returns all tensors in the network's order
 * @example
 * ```ts
 * const network = networkOf("mlp", { classes: 2, size: 2, options: { hidden: [3] } });
 * const all = initialise(network, 7);
 * const head = new Map([...all].filter(([name]) => network.head.includes(name)));
 * initialise(network, 8, head).get("head.bias") === head.get("head.bias"); // true
 * ```
 */
export function initialise({ tensors }: Network, seed: number, given: NetworkWeights = new Map()): NetworkWeights {
  return new Map(
    tensors.map(({ name, shape, dtype, init }, index): [string, NetworkTensor] => {
      const there = given.get(name);
      if (there) return [name, there];
      const length = product(shape);
      if (dtype === "I64") return [name, { shape, dtype, data: new BigInt64Array(length) }];
      const data = new Float32Array(length);
      fill(data, init, openStream([seed, PURPOSE.initialisation], [index]));
      return [name, { shape, dtype, data }];
    }),
  );
}

function fill(data: Float32Array, init: Init, stream: Stream): void {
  switch (init.kind) {
    case "constant":
      data.fill(init.value);
      return;
    case "uniform":
      for (let i = 0; i < data.length; i += 1) data[i] = (2 * stream.uniform() - 1) * init.bound;
      return;
    case "normal":
      for (let i = 0; i < data.length; i += 1) data[i] = stream.normal() * init.deviation;
  }
}
