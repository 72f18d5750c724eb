import { rmdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { replaceFile } from "#libs/files";
import { licenceFilesOf } from "#libs/model-folders";
import { layerOf, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { modelCard, modelFolder, modelLicence, type Report, renderHtml, renderMarkdown } from "#libs/reporting";
import { renderRunFile } from "#libs/runfile";
import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";
import { makeFolder } from "./writable-output.ts";

/** Inputs and classes of the target task. */
const FEATURES = 256;
const CLASSES = 10;

/** Where the images of a task lie, and where they are from, in words. */
export type TaskData = { readonly path: string; readonly source: string };

/** Writes a report, the run file and the averaged models below a directory. Each file is complete or absent. */
export async function writeOutput(
  directory: string,
  report: Report,
  spec: RunSpec,
  data: TaskData,
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<void> {
  await makeFolder(directory);
  await replaceFile(join(directory, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  const runFile = renderRunFile(spec, { data: relative(directory, data.path) || "." });
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
    const layers = { features: FEATURES, hidden: spec.foundation?.hidden ?? [], classes: CLASSES };
    await replaceFile(join(folder, "README.md"), modelCard({ report, seed, heldOut, model: digest, weights, layers }));
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
