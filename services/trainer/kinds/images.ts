import { availableParallelism } from "node:os";
import { imagesOfIndex, type Loader, openLoader, type PictureShape } from "#libs/batches";
import { decodeIndex, type ImageIndex } from "#libs/image-sets";
import type { Network } from "#libs/networks";
import { inputOf, mediaTypes, type Recipe, RecipeError } from "#libs/recipes";
import { decodeSplit, type Split } from "#libs/splits";
import { didYouMean, quote } from "#libs/text";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { layerOf, type Work } from "../work.ts";

/** Most bytes of decoded pictures that are kept; see services/finetune/needs/network.ts. */
const KEPT_BYTES = 192 << 20;
/** Threads that decode, beside the one that computes. */
const MOST_THREADS = 8;
/** Files of so few bytes, all together, are decoded by the thread that computes: another one would take longer to start. */
const FEW_BYTES = 256 << 10;

/** The index of the data set that is an input of a recipe. @throws RecipeError, ImageSetError */
export async function indexOf(recipe: Recipe, role: string, work: Work): Promise<ImageIndex> {
  const layer = layerOf(work.input(inputOf(recipe, role)), ArtifactKind.DATASET, mediaTypes.datasetLayer, role);
  return decodeIndex(await work.read(layer));
}

/** The rows of each domain of an index, ascending. */
export function rowsByDomain(index: ImageIndex): Int32Array[] {
  const counts = index.domains.map(() => 0);
  for (const domain of index.domain) counts[domain]! += 1;
  const rows = counts.map((count) => new Int32Array(count));
  const filled = index.domains.map(() => 0);
  for (const [row, domain] of index.domain.entries()) rows[domain]![filled[domain]!++] = row;
  return rows;
}

/** A part of a data set that recipes speak of. */
export type Part = "all" | "training" | "validation" | "test";

/** The pictures that a recipe is about. */
export type RecipeImages = {
  readonly index: ImageIndex;
  /** The rows of a part of each of the recipe's domains, in its order of domains. "all" where there is no split. @throws RecipeError */
  rowsOf(part: Part): readonly Int32Array[];
};

/**
 * Reads the index of a recipe's data set, and its split if it has one.
 * @throws RecipeError for other classes than the recipe says, domains that there are not, and a split of another data set
 */
export async function readImages(recipe: Recipe, work: Work): Promise<RecipeImages> {
  const { classes, domains } = recipe.parameters as { readonly classes: number; readonly domains: readonly string[] };
  const index = await indexOf(recipe, "dataset", work);
  if (index.of !== "images") throw new RecipeError("inputs.dataset", `is of ${index.of}; this trainer has networks for images alone`);
  if (classes !== index.classes.length)
    throw new RecipeError("parameters.classes", `is ${classes}; the data set has ${index.classes.length} classes`);
  const places = placesOf(domains, index);
  const all = rowsByDomain(index);
  const split = recipe.inputs["split"] === undefined ? undefined : await readSplit(recipe, index, work);
  return {
    index,
    rowsOf(part) {
      if (part === "all") return places.map((place) => all[place]!);
      if (!split) throw new RecipeError("inputs.split", `is missing; it says which rows are for ${part}`);
      return places.map((place) => {
        const rows = split[place]![part];
        if (rows === undefined) throw new RecipeError("inputs.split", `holds out no items: it has no rows for ${part}`);
        return rows;
      });
    },
  };
}

/** The place of each domain in an index. @throws RecipeError naming the first that there is not */
function placesOf(domains: readonly string[], index: ImageIndex): number[] {
  return domains.map((name, i) => {
    const place = index.domains.indexOf(name);
    if (place >= 0) return place;
    const help = didYouMean(name, index.domains, `it has ${index.domains.map((domain) => quote(domain)).join(", ")}`);
    throw new RecipeError(`parameters.domains.${i}`, `the data set has no domain ${quote(name)}; ${help}`);
  });
}

async function readSplit(recipe: Recipe, index: ImageIndex, work: Work): Promise<Split> {
  const layer = layerOf(work.input(inputOf(recipe, "split")), ArtifactKind.SPLIT, mediaTypes.splitLayer, "split");
  const split = await decodeSplit(await work.read(layer));
  const own = (place: number) => (row: number) => index.domain[row] === place;
  const fits = split.every(
    ({ domain, training, validation, test = new Int32Array() }, place) =>
      domain === index.domains[place] && [training, validation, test].every((rows) => rows.every(own(place))),
  );
  if (fits && split.length === index.domains.length) return split;
  throw new RecipeError("inputs.split", "is of another data set than inputs.dataset");
}

/** Opens what makes batches of some rows of an index, whose shards become files of this machine until it is disposed. */
export async function openImages(
  index: ImageIndex,
  rows: readonly ArrayLike<number>[],
  network: Network,
  work: Work,
): Promise<AsyncDisposable & { readonly loader: Loader }> {
  await using opening = new AsyncDisposableStack();
  const wanted = new Set<number>();
  let bytes = 0;
  for (const own of rows) {
    for (let i = 0; i < own.length; i++) {
      wanted.add(index.shard[own[i]!]!);
      bytes += index.bytes[own[i]!]!;
    }
  }
  const paths = new Map<string, string>();
  for (const place of [...wanted].sort((a, b) => a - b)) {
    const shard = index.shards[place]!;
    paths.set(shard.digest, opening.use(await work.hold(shard)).path);
  }
  const images = imagesOfIndex(index, ({ digest }) => paths.get(digest) ?? "");
  const threads = bytes <= FEW_BYTES ? 0 : Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1));
  const loader = opening.use(openLoader({ images, shape: shapeOf(network), threads, cacheBytes: KEPT_BYTES }));
  const opened = opening.move();
  return { loader, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function shapeOf({ input: { channels, height, width } }: Network): PictureShape {
  if (channels === 1 || channels === 2 || channels === 3) return { channels, height, width };
  throw new RecipeError("parameters.network.channels", `is ${channels}; images have 1, 2 or 3`);
}
