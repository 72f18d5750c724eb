import { finishInTurns } from "#libs/concurrency";
import { type Dataset, encodeDataset, glyphsInSteps, parseIdx, rotatedDigitsInSteps } from "#libs/datasets";
import {
  buildDatasetManifest,
  type GlyphsParameters,
  inputOf,
  mediaTypes,
  type Recipe,
  RecipeError,
  type RotatedDigitsParameters,
} from "#libs/recipes";
import { expectKind, type LoadInput } from "./input.ts";
import { imageGenerators } from "./kinds/image-dataset.ts";
import { blobOf, type Product } from "./product.ts";
import type { Work } from "./work.ts";

/** Runs a recipe of kind `dataset`, and gives way to the event loop while it draws. @throws RecipeError, IdxError, the signal's reason */
export async function makeDataset(recipe: Recipe, work: Work, signal?: AbortSignal): Promise<Product> {
  const generate = imageGenerators[String(recipe.parameters["generator"])];
  if (generate) return generate(recipe, work, signal);
  const { dataset, licences } = await draw(recipe, work.load, signal);
  const data = blobOf(encodeDataset(dataset), mediaTypes.datasetLayer);
  return { blobs: [data], built: buildDatasetManifest({ recipe, licences, data: data.descriptor }) };
}

async function draw(
  recipe: Recipe,
  load: LoadInput,
  signal: AbortSignal | undefined,
): Promise<{ dataset: Dataset; licences: readonly string[] }> {
  const parameters = recipe.parameters as GlyphsParameters | RotatedDigitsParameters;
  const seed = recipe.seed ?? 0;
  switch (parameters.generator) {
    case "glyphs/1":
      return { dataset: await finishInTurns(glyphsInSteps(parameters, seed), signal), licences: [] };
    case "rotated-digits/1": {
      const { files, licences } = expectKind(await load(inputOf(recipe, "source")), "source", "source");
      const images = parseIdx(file(files, "images-idx3-ubyte"), 3);
      const labels = parseIdx(file(files, "labels-idx1-ubyte"), 1);
      return { dataset: await finishInTurns(rotatedDigitsInSteps({ images, labels }, parameters, seed), signal), licences };
    }
    default:
      parameters satisfies never;
      throw new RecipeError("parameters.generator", "unknown");
  }
}

function file(files: ReadonlyMap<string, Uint8Array>, ending: string): Uint8Array {
  for (const [title, bytes] of files) if (title.endsWith(ending)) return bytes;
  throw new RecipeError("inputs.source", `has no file ${ending}; it has ${[...files.keys()].join(", ") || "none"}`);
}
