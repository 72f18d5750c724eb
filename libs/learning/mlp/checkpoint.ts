import { loadFloat32, parseSafetensorsHeader } from "#libs/tensors";
import type { Written } from "../books.ts";
import type { SavedState } from "../saved-state.ts";
import type { State } from "./stepper.ts";

/** The best weights so far, where the best ones are kept. */
export type Best = { readonly step: number; readonly accuracy: number; readonly parameters: Float32Array };

/** Everything that a training needs to go on as if it had never stopped. Vectors are over all trained parameters. */
export type Checkpoint = Written<Best> & {
  /** Steps done. With the seed it is the position in the data order and in the random numbers, which are counted, not drawn from a state. */
  readonly step: number;
  readonly seed: number;
  readonly state: State;
};

/** What reads checkpoints of perceptrons. */
export const CHECKPOINT_FORMAT = "ratatouille-checkpoint/1";

/** A checkpoint as what is saved of it. Its vectors are those of the checkpoint, but for the best ones, which the training keeps. */
export function savedState({ state, best, ...rest }: Checkpoint): SavedState {
  const vectors = { ...state, ...(best ? { best: best.parameters.slice() } : {}) };
  const tensors = Object.entries(vectors).map(([name, data]) => {
    return { name, dtype: "F32" as const, shape: [data.length], data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  });
  const summary = { ...rest, ...(best ? { best: { step: best.step, accuracy: best.accuracy } } : {}) };
  const metadata = { format: CHECKPOINT_FORMAT, state: JSON.stringify(summary) };
  return { step: rest.step, format: CHECKPOINT_FORMAT, tensors, metadata };
}

/**
 * @throws SafetensorsError if it is no safetensors file, RangeError if it is not a checkpoint of ours.
 * @example
 * ```ts
 * import { writeSafetensors } from "#libs/tensors";
 * const [parameters, firstMoment, secondMoment] = [1, 2, 3].map((x) => Float32Array.of(x));
 * const state = { parameters, firstMoment, secondMoment };
 * const checkpoint = { step: 5, seed: 7, state, curve: { loss: [], validation: [] }, pending: { sum: 0.5, count: 1 } };
 * const { tensors, metadata } = savedState(checkpoint);
 * decodeCheckpoint(writeSafetensors(tensors, metadata)); // checkpoint
 * ```
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { metadata } = parseSafetensorsHeader(bytes, bytes.length);
  if (metadata.get("format") !== CHECKPOINT_FORMAT)
    throw new RangeError(`Expected a checkpoint of format ${CHECKPOINT_FORMAT}, got ${metadata.get("format")}`);
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
