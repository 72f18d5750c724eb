import type { Batch } from "#libs/batches";
import type { Network, NetworkWeights } from "#libs/networks";
import type { Engine } from "../engines/kernels.ts";
import { createModel } from "../engines/network/model.ts";
import { planOf } from "../engines/network/plan.ts";
import { logitsOf } from "./validate.ts";

/**
 * The logits of batches of pictures, [rows, classes] of each, in their order. It gives way to the event loop about every 40 ms.
 * @throws UnfitInputError if the weights are not the network's, the signal's reason.
 * @example
 * ```ts
 * import { networkOf } from "#libs/networks";
 * const network = networkOf("mlp", { classes: 2, channels: 1, size: 1, options: { hidden: [] } });
 * const weights = new Map([
 *   ["head.weight", { shape: [2, 1], dtype: "F32", data: Float32Array.of(1, -1) }],
 *   ["head.bias", { shape: [2], dtype: "F32", data: Float32Array.of(0, 0.5) }],
 * ]);
 * async function* batches() {
 *   yield { pixels: Uint8Array.of(255, 0), labels: Int32Array.of(0, 1), rows: 2 };
 * }
 * const engine = await openEngine("cpu");
 * const logits = [];
 * for await (const some of predictNetwork({ engine, network, weights, batches: batches() })) logits.push(...some);
 * logits; // [1, -0.5, 0, 0.5]
 * ```
 */
export async function* predictNetwork({
  engine,
  network,
  weights,
  batches,
  signal,
}: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: NetworkWeights;
  readonly batches: AsyncIterable<Batch>;
  readonly signal?: AbortSignal | undefined;
}): AsyncGenerator<Float32Array, void, void> {
  const plan = planOf(network);
  using model = createModel(engine.kernels, network, weights, { trains: () => false });
  for await (const batch of batches) {
    signal?.throwIfAborted();
    yield await logitsOf(model, plan, network, batch, signal);
  }
}
