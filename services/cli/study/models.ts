import { closeSync, openSync } from "node:fs";
import { readAt } from "#libs/files";
import { ModelError, type ModelFiles, openModel } from "#libs/models";
import { fitWeights, type Network, UnfitWeightsError } from "#libs/networks";
import type { StudyFile } from "#libs/runfile";
import { TensorTypeError, type WeightTensor, weightTensor } from "#libs/tensors";

/** A model of a run file that the network can start from, and what was done to see it so: sentences. */
export type Start = { readonly model: ModelFiles; readonly notes: readonly string[] };

/**
 * Opens a model that a key of a run file names, and looks whether the network can take its weights: all of its numbers are read.
 * @param network nothing where only a trainer knows it: then it looks.
 * @throws RunFileError at the key for what is no model, another network's, or not finite.
 */
export async function lookAtModel(
  file: StudyFile,
  key: readonly (string | number)[],
  path: string,
  network: Network | undefined,
): Promise<Start> {
  try {
    const model = await openModel(path);
    if (!network) return { model, notes: [] };
    const { notes } = fitWeights(network, readWeights(model));
    return { model, notes: notes.map((note) => `${path}: ${note}`) };
  } catch (cause) {
    if (cause instanceof ModelError) throw file.problem(key, `cannot be used: ${cause.message}`);
    if (cause instanceof UnfitWeightsError || cause instanceof TensorTypeError)
      throw file.problem(key, `names ${path}, which cannot be used: ${cause.message}`);
    throw cause;
  }
}

/** All tensors of a model, in memory. */
function readWeights({ files, tensors }: ModelFiles): ReadonlyMap<string, WeightTensor> {
  const descriptors = files.map(({ path }) => openSync(path, "r"));
  try {
    return new Map(
      [...tensors].map(([name, { file, offset, length, ...layout }]) => {
        const bytes = new Uint8Array(length);
        readAt(descriptors[file]!, bytes, offset);
        return [name, weightTensor(name, layout, bytes)];
      }),
    );
  } finally {
    descriptors.forEach(closeSync);
  }
}
