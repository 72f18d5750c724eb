import { writeFile } from "node:fs/promises";
import { encodeIndex, type ImageIndex, indexShards, packImages, type ShardContent, subsetOfIndex } from "#libs/image-sets";
import { coloredMnist, type DrawnImages, readDigits, rotatedMnist } from "#libs/image-sets/generators";
import {
  type ColoredMnistParameters,
  colouredMnist,
  inputOf,
  mnistAngles,
  type Recipe,
  RecipeError,
  type RotatedMnistParameters,
  type SubsetParameters,
} from "#libs/recipes";
import { indexRecords } from "#libs/record-sets";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { Made } from "../product.ts";
import type { CatalogInput, InputLayer, Work } from "../work.ts";
import { chunksOf } from "./chunks.ts";
import { indexOf } from "./images.ts";

type Generate = (recipe: Recipe, work: Work, signal: AbortSignal | undefined) => Promise<Made>;

/** Who runs the generators of data sets of images and records. A new one is one more line, and its parameters in libs/recipes/kinds/dataset.ts. */
export const imageGenerators: { readonly [name: string]: Generate } = {
  "image-shards/1": (recipe, work, signal) => indexImport(recipe, work, ".tar", (shards) => indexShards(shards, signal)),
  "records/1": (recipe, work, signal) => indexImport(recipe, work, ".records", (shards) => indexRecords(shards, signal)),
  "subset/1": takeSubset,
  "rotated-mnist/1": (recipe, work, signal) => {
    const { angles = mnistAngles } = recipe.parameters as RotatedMnistParameters;
    return drawFrom(recipe, work, (digits, seed) => rotatedMnist(digits, { angles, seed }), signal);
  },
  "colored-mnist/1": (recipe, work, signal) => {
    const { flips = colouredMnist.flips, labelNoise = colouredMnist.labelNoise } = recipe.parameters as ColoredMnistParameters;
    return drawFrom(recipe, work, (digits, seed) => coloredMnist(digits, { flips, labelNoise, seed }), signal);
  },
};

/** The files of an import. @throws RecipeError */
function sourceOf(recipe: Recipe, work: Work): CatalogInput {
  const source = work.input(inputOf(recipe, "source"));
  if (source.kind === ArtifactKind.SOURCE) return source;
  throw new RecipeError("inputs.source", "expected files that were imported");
}

async function indexImport(
  recipe: Recipe,
  work: Work,
  extension: ".tar" | ".records",
  indexOfShards: (shards: AsyncIterable<ShardContent>) => Promise<ImageIndex>,
): Promise<Made> {
  const shards = sourceOf(recipe, work).layers.filter(({ title }) => title.endsWith(extension));
  const what = extension === ".tar" ? "images" : "records";
  if (shards.length === 0)
    throw new RecipeError("inputs.source", `has no shards: the import of a set of ${what} has files shard-…${extension}`);
  const index = await indexOfShards(contentsOf(shards, work));
  return { outputs: [{ role: "data", content: encodeIndex(index) }] };
}

async function* contentsOf(shards: readonly InputLayer[], work: Work): AsyncGenerator<ShardContent, void, undefined> {
  for (const { digest, bytes } of shards) {
    using held = await work.hold({ digest, bytes });
    yield { digest, bytes, content: chunksOf(held.path) };
  }
}

async function takeSubset(recipe: Recipe, work: Work): Promise<Made> {
  const { domains, classes } = recipe.parameters as SubsetParameters;
  const index = subsetOfIndex(await indexOf(recipe, "source", work), { domains, classes });
  return { outputs: [{ role: "data", content: encodeIndex(index) }] };
}

type Draw = (digits: ReturnType<typeof readDigits>, seed: number) => DrawnImages;

/** Images made of the digits of idx files, in shards of their own, which wait on the disk to be sent. */
async function drawFrom(recipe: Recipe, work: Work, draw: Draw, signal: AbortSignal | undefined): Promise<Made> {
  const { layers } = sourceOf(recipe, work);
  const files = await Promise.all(layers.map(async (layer) => [layer.title, await work.read(layer)] as const));
  const { images, classes } = draw(readDigits(new Map(files)), recipe.seed ?? 0);
  const packing = packImages(images, { classes, signal });
  const paths: string[] = [];
  for await (const { name, content } of packing.shards) {
    const path = await work.scratch(name);
    await writeFile(path, content);
    paths.push(path);
  }
  const shards = paths.map((path) => ({ role: "shards", content: () => chunksOf(path) }));
  return { outputs: [{ role: "data", content: encodeIndex(packing.index()) }, ...shards] };
}
