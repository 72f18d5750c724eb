import { finish, type Steps } from "#libs/concurrency";
import { flatten, type Layout, layoutOfWeights, type Weights } from "./layout.ts";
import type { Backend } from "./matrix.ts";
import { createNetwork, runRows } from "./network.ts";

/**
 * Logits of a model, [count, classes].
 * @param images [count, features], row by row.
 * @throws UnfitInputError if a tensor is missing or a shape does not fit.
 * @example
 * ```ts
 * const weights = new Map([
 *   ["head.weight", { shape: [2, 2], data: Float32Array.of(1, 0, 0, -1) }],
 *   ["head.bias", { shape: [2], data: Float32Array.of(0, 10) }],
 * ]);
 * predict(await openBackend("cpu"), weights, Float32Array.of(3, 4)); // Float32Array.of(3, 6)
 * ```
 */
export function predict(backend: Backend, weights: Weights, images: Float32Array): Float32Array {
  const layout = layoutOfWeights(weights);
  return finish(run(backend, layout, flatten(weights, layout), images));
}

/** What the head of a model gets to see: activations of the last hidden layer, [count, width]. A chunk of rows is a step. */
export function featuresOf(backend: Backend, weights: Weights, layout: Layout, images: Float32Array): Steps<Float32Array> {
  const layers = layout.layers.slice(0, -1);
  const featurizer = { ...layout, layers, size: layout.layers.at(-1)?.weightOffset ?? 0 };
  return run(backend, featurizer, flatten(weights, featurizer), images);
}

function* run(backend: Backend, layout: Layout, parameters: Float32Array, images: Float32Array): Steps<Float32Array> {
  using workspace = backend.workspace();
  return yield* runRows(workspace, createNetwork(workspace, layout, parameters), images);
}
