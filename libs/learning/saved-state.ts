import type { Metadata, TensorData } from "#libs/tensors";

/**
 * Everything that a training needs to go on, as the parts of a safetensors file: what `writeSafetensors` takes. All of it is a copy, so that
 * it can be handed to another thread while the training goes on.
 */
export type SavedState = {
  /** Steps done. */
  readonly step: number;
  /** What reads it, for example "ratatouille-checkpoint/1". */
  readonly format: string;
  readonly tensors: readonly TensorData[];
  readonly metadata: Metadata;
};
