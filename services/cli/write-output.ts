import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { replaceFile } from "#libs/files";
import { licenceFilesOf } from "#libs/model-folders";
import { layerOf, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { type Loading, modelCard, modelFolder, modelLicence, type Report, renderHtml, renderMarkdown } from "#libs/reporting";
import { makeFolder } from "./writable-output.ts";

/** Where the images of a task lie, and where they are from, in words. */
export type TaskData = { readonly path: string; readonly source: string };

/** Writes a report, the run file and the averaged models below a directory. Each file is complete or absent. */
export async function writeOutput(
  directory: string,
  report: Report,
  { data, loading, render }: { readonly data: TaskData; readonly loading: Loading; render(directory: string): string },
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<void> {
  await makeFolder(directory);
  await replaceFile(join(directory, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  const runFile = render(directory);
  await replaceFile(join(directory, "run.yaml"), runFile);
  await replaceFile(join(directory, "report.html"), renderHtml(report, { runFile }));
  await replaceFile(join(directory, "report.md"), renderMarkdown(report));
  const texts = (await licenceFilesOf({ path: data.path, kind: "folder" })).map(({ name, content }) => ({
    label: "the data",
    file: name,
    text: content,
  }));
  const licence = modelLicence(report, { source: data.source, texts });
  for (const { seed, heldOut, averages } of report.cells) {
    const digest = averages.find(({ method }) => method === "recycling")?.model;
    if (digest === undefined) continue;
    const folder = join(directory, modelFolder({ seed, heldOut }));
    const weights = await writeModel(folder, digest, artifacts, signal);
    await replaceFile(join(folder, "README.md"), modelCard({ report, seed, heldOut, model: digest, weights, loading }));
    if (licence !== undefined) await replaceFile(join(folder, "LICENSE"), licence);
  }
}

export const WEIGHTS_FILE = "model.safetensors";
export const RECIPE_FILE = "recipe.json";

/** What the recipe's file of a model says. */
export function recipeFile({ recipe }: ReadManifest): string {
  return `${JSON.stringify(recipe, null, 2)}\n`;
}

/** Writes the weights and the recipe of a model, and returns the digest of the weights. */
export async function writeModel(folder: string, digest: string, artifacts: Artifacts, signal: AbortSignal): Promise<string> {
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
