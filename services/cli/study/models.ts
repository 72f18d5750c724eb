import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAt } from "#libs/files";
import { ModelError, type ModelFiles, openModel, SAVED_BY_TORCH } from "#libs/models";
import { fitWeights, type Network, UnfitWeightsError } from "#libs/networks";
import type { Json } from "#libs/recipes";
import type { StudyFile } from "#libs/runfile";
import { saveWeights, TensorTypeError, type WeightTensor, weightTensor } from "#libs/tensors";
import { quote } from "#libs/text";

/** A model of a run file that the network can start from, and what was done to see it so: sentences. */
export type Start = {
  readonly model: ModelFiles;
  readonly notes: readonly string[];
  /** Whether it has a head for as many classes as the target has. */
  readonly head: boolean;
  /** The network, where its tensors have other names or shapes in the model: averages are of models with the same tensors. */
  readonly becomes?: Network;
};

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
    const passedOver = model.notes ?? [];
    if (!network) return { model, notes: passedOver, head: false };
    const { notes, head } = fitWeights(network, readWeights(model));
    const own = [...notes, ...differences(network, model)].map((note) => `${path}: ${note}`);
    return { model, notes: [...passedOver, ...own], head, ...(hasTensorsOf(network, model) ? {} : { becomes: network }) };
  } catch (cause) {
    if (cause instanceof ModelError) throw file.problem(key, `cannot be used: ${cause.message}`);
    if (cause instanceof UnfitWeightsError || cause instanceof TensorTypeError)
      throw file.problem(key, `names ${path}, which cannot be used: ${cause.message}`);
    throw cause;
  }
}

/** What timm's config.json beside the weights says that is not so here, and that tensors of equal names and shapes do not tell. */
function differences({ name, input }: Network, { config }: ModelFiles): string[] {
  const { architecture, pretrained_cfg: cfg } = config ?? {};
  const { mean, std } = (typeof cfg === "object" && cfg !== null ? cfg : {}) as { readonly [key: string]: Json | undefined };
  const isOther = (theirs: Json | undefined, ours: readonly number[]) =>
    Array.isArray(theirs) &&
    theirs.length === ours.length &&
    theirs.every((value) => typeof value === "number") &&
    theirs.some((value, i) => value !== ours[i]);
  return [
    ...(typeof architecture === "string" && architecture !== name
      ? [`its config.json calls it ${quote(architecture, 100)}, and it is taken as ${name}, whose tensors it has`]
      : []),
    ...(isOther(mean, input.mean) || isOther(std, input.deviation)
      ? [
          `it has learned from images with mean ${JSON.stringify(mean)} and deviation ${JSON.stringify(std)}, says its config.json; ${name} sees them with ${JSON.stringify(input.mean)} and ${JSON.stringify(input.deviation)}`,
        ]
      : []),
  ];
}

/** Whether a model has the tensors of a network, its head aside: their names, their shapes, and whole numbers where those are. */
function hasTensorsOf({ tensors, head }: Network, model: ModelFiles): boolean {
  const known = new Set(tensors.map(({ name }) => name));
  const isThere = ({ name, shape, dtype }: Network["tensors"][number]) => {
    const found = model.tensors.get(name);
    return found !== undefined && found.shape.join() === shape.join() && (found.dtype === "I64") === (dtype === "I64");
  };
  return [...model.tensors.keys()].every((name) => known.has(name)) && tensors.every((spec) => head.includes(spec.name) || isThere(spec));
}

/**
 * The model that goes into the catalog: as it is where it has the tensors of the network, else written anew with them.
 * @param stack takes care of the file of it
 */
export async function ownModel({ model, becomes }: Start, stack: AsyncDisposableStack): Promise<ModelFiles> {
  if (!becomes) return model;
  const directory = await mkdtemp(join(tmpdir(), "ratatouille-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, "model.safetensors");
  await writeFile(path, saveWeights(fitWeights(becomes, readWeights(model), { head: "keep" }).weights, SAVED_BY_TORCH));
  const { files, tensors } = await openModel(path, model.name);
  return { ...model, files, tensors };
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
