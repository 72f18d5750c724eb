import type { TrainingCurve } from "#libs/recipes";
import { loadFloat32, parseSafetensorsHeader, saveFloat32 } from "#libs/tensors";
import type { State } from "./stepper.ts";

/** Everything that a training needs to go on as if it had never stopped. Vectors are over all trained parameters. */
export type Checkpoint = {
  /** Steps done. With the seed it is the position in the data order and in the random numbers, which are counted, not drawn from a state. */
  readonly step: number;
  readonly seed: number;
  readonly state: State;
  /** The best weights so far, where the best ones are kept. */
  readonly best?: { readonly step: number; readonly accuracy: number; readonly parameters: Float32Array };
  readonly curve: TrainingCurve;
  /** Losses since the last entry of the curve. */
  readonly pending: { readonly sum: number; readonly count: number };
};

const FORMAT = "ratatouille-checkpoint/1";

/** A checkpoint as the bytes of a safetensors file. */
export function encodeCheckpoint({ state, best, ...rest }: Checkpoint): Uint8Array {
  const vectors = { ...state, ...(best ? { best: best.parameters } : {}) };
  const tensors = new Map(Object.entries(vectors).map(([name, data]) => [name, { shape: [data.length], data }]));
  const summary = { ...rest, ...(best ? { best: { step: best.step, accuracy: best.accuracy } } : {}) };
  return saveFloat32(tensors, { format: FORMAT, state: JSON.stringify(summary) });
}

/**
 * @throws SafetensorsError if it is no safetensors file, RangeError if it is not a checkpoint of ours.
 * @example
 * ```ts
 * const [parameters, firstMoment, secondMoment] = [1, 2, 3].map((x) => Float32Array.of(x));
 * const state = { parameters, firstMoment, secondMoment };
 * const checkpoint = { step: 5, seed: 7, state, curve: { loss: [], validation: [] }, pending: { sum: 0.5, count: 1 } };
 * decodeCheckpoint(encodeCheckpoint(checkpoint)); // checkpoint
 * ```
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { metadata } = parseSafetensorsHeader(bytes, bytes.length);
  if (metadata.get("format") !== FORMAT) throw new RangeError(`Expected a checkpoint of format ${FORMAT}, got ${metadata.get("format")}`);
  const tensors = loadFloat32(bytes);
  const vector = (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new RangeError(`The checkpoint has no tensor ${name}`);
    return tensor.data;
  };
  const { best, ...rest } = JSON.parse(metadata.get("state") ?? "{}");
  return {
    ...rest,
    state: { parameters: vector("parameters"), firstMoment: vector("firstMoment"), secondMoment: vector("secondMoment") },
    ...(best ? { best: { ...best, parameters: vector("best") } } : {}),
  };
}
