import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Artifacts } from "#libs/artifacts";
import { layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { modelCard, modelFolder, type Report, renderHtml, renderMarkdown } from "#libs/reporting";
import { renderRunFile } from "#libs/runfile";
import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";

/** Inputs and classes of the target task. */
const FEATURES = 256;
const CLASSES = 10;

/** Writes a report, the run file and the averaged models below a directory. Each file is complete or absent. `data`: the task's folder. */
export async function writeOutput(
  directory: string,
  report: Report,
  spec: RunSpec,
  data: string,
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeWhole(join(directory, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  const runFile = renderRunFile(spec, { data: relative(directory, data) || "." });
  await writeWhole(join(directory, "run.yaml"), runFile);
  await writeWhole(join(directory, "report.html"), renderHtml(report, { runFile }));
  await writeWhole(join(directory, "report.md"), renderMarkdown(report));
  for (const { seed, heldOut, averages } of report.cells) {
    const digest = averages.find(({ method }) => method === "recycling")?.model;
    if (digest === undefined) continue;
    const folder = join(directory, modelFolder({ seed, heldOut }));
    const weights = await writeModel(folder, digest, artifacts, signal);
    const layers = { features: FEATURES, hidden: spec.foundation?.hidden ?? [], classes: CLASSES };
    await writeWhole(join(folder, "README.md"), modelCard({ report, seed, heldOut, model: digest, weights, layers }));
  }
}

/** Writes the weights and the recipe of a model, and returns the digest of the weights. */
export async function writeModel(folder: string, digest: string, artifacts: Artifacts, signal: AbortSignal): Promise<string> {
  const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
  const weights = layerOf(manifest, mediaTypes.weights).digest;
  await mkdir(folder, { recursive: true });
  try {
    await writeWhole(join(folder, "model.safetensors"), artifacts.stream(weights, { signal }));
  } catch (error) {
    // Only where it is empty.
    await rmdir(folder).catch(() => undefined);
    throw error;
  }
  await writeWhole(join(folder, "recipe.json"), `${JSON.stringify(manifest.recipe, null, 2)}\n`);
  return weights;
}

async function writeWhole(path: string, content: string | AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    if (typeof content === "string") await writeFile(temporary, content);
    else await pipeline(Readable.from(content), createWriteStream(temporary));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
