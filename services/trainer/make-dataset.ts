import { type Dataset, encodeDataset, generateGlyphs, parseIdx, rotatedDigits } from "#libs/datasets";
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
import { blobOf, type Product } from "./product.ts";

/** Runs a recipe of kind `dataset`. @throws RecipeError, IdxError */
export async function makeDataset(recipe: Recipe, load: LoadInput): Promise<Product> {
  const { dataset, licences } = await generate(recipe, load);
  const data = blobOf(encodeDataset(dataset), mediaTypes.datasetLayer);
  return { blobs: [data], built: buildDatasetManifest({ recipe, licences, data: data.descriptor }) };
}

async function generate(recipe: Recipe, load: LoadInput): Promise<{ dataset: Dataset; licences: readonly string[] }> {
  const parameters = recipe.parameters as GlyphsParameters | RotatedDigitsParameters;
  const seed = recipe.seed ?? 0;
  switch (parameters.generator) {
    case "glyphs/1":
      return { dataset: generateGlyphs(parameters, seed), licences: [] };
    case "rotated-digits/1": {
      const { files, licences } = expectKind(await load(inputOf(recipe, "source")), "source", "source");
      const images = parseIdx(file(files, "images-idx3-ubyte"), 3);
      const labels = parseIdx(file(files, "labels-idx1-ubyte"), 1);
      return { dataset: rotatedDigits({ images, labels }, parameters, seed), licences };
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
