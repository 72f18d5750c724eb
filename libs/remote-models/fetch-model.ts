import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { makeFolder, replaceFile } from "#libs/files";
import { type Digest, layerOf, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";

export const WEIGHTS_FILE = "model.safetensors";
export const RECIPE_FILE = "recipe.json";

/** What the recipe's file of a model says. */
export function recipeFile({ recipe }: ReadManifest): string {
  return `${JSON.stringify(recipe, null, 2)}\n`;
}

/**
 * Writes the weights and the recipe of a model of the catalog into a folder, each whole or not at all, and returns the digest of the weights.
 * @throws RpcError NOT_FOUND, DATA_LOSS; NotWritableError, NoSpaceError
 */
export async function fetchModel(folder: string, digest: string, artifacts: Artifacts, signal: AbortSignal): Promise<Digest> {
  const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
  const weights = layerOf(manifest, mediaTypes.weights).digest;
  await makeFolder(folder);
  try {
    await replaceFile(join(folder, WEIGHTS_FILE), artifacts.stream(weights, { signal }));
  } catch (error) {
    // Only where it is empty.
    await rmdir(folder).catch(() => undefined);
    throw error;
  }
  await replaceFile(join(folder, RECIPE_FILE), recipeFile(manifest));
  return weights;
}
