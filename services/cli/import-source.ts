import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Artifacts } from "#libs/artifacts";
import { IdxError, parseIdx } from "#libs/datasets";
import { annotations, buildSourceManifest, digestOf, mediaTypes, type Recipe, UNKNOWN_LICENCE } from "#libs/recipes";
import { UsageError } from "#libs/service";
import { fileProblem } from "./file-problem.ts";

/** The files of a data directory, in MNIST's names. */
const IMAGES = "images-idx3-ubyte";
const LABELS = "labels-idx1-ubyte";
/** Pixels of a side of the images. */
const SIDE = 8;
const CLASSES = 10;
const description = v.object({ licence: v.string(), source: v.string() });

type File = { readonly path: string; readonly bytes: Uint8Array };

/** Images and labels that belong together, and what is known of their origin. */
export type Source = { readonly files: readonly File[]; readonly licence: string; readonly source: string };

/**
 * Reads the images and labels of a data directory.
 * @throws UsageError if a file is missing, cut short, of another format, or if images and labels do not match.
 */
export async function readSource(directory: string): Promise<Source> {
  const [images, labels] = await Promise.all([readData(directory, IMAGES), readData(directory, LABELS)]);
  checkPair(directory, images, labels);
  return { files: [images, labels], ...(await readDescription(directory)) };
}

/** Imports a source into the catalog, unless it is there, and returns its digest. */
export async function importSource({ files, licence, source }: Source, artifacts: Artifacts, signal: AbortSignal): Promise<string> {
  const recipe: Recipe = {
    kind: "import",
    inputs: {},
    parameters: { files: files.map(({ path, bytes }) => ({ path, digest: digestOf(bytes), bytes: bytes.length })), licence, source },
  };
  const known = await artifacts.findByRecipe(recipe, { signal });
  if (known) return known.digest;
  const descriptors = await Promise.all(
    files.map(({ path, bytes }) =>
      artifacts.upload(bytes, { mediaType: mediaTypes.sourceLayer, annotations: { [annotations.title]: path }, signal }),
    ),
  );
  const published = await artifacts.publish(buildSourceManifest({ recipe, licences: [licence], files: descriptors }), { signal });
  return published.digest;
}

async function readData(directory: string, path: string): Promise<File> {
  try {
    return { path, bytes: new Uint8Array(await readFile(join(directory, path))) };
  } catch (cause) {
    throw new UsageError(`cannot read ${join(directory, path)}: ${fileProblem(cause)}`, { cause });
  }
}

function checkPair(directory: string, images: File, labels: File): void {
  const parsed = [images, labels].map(({ path, bytes }) => {
    try {
      return parseIdx(bytes);
    } catch (cause) {
      if (cause instanceof IdxError) throw new UsageError(`${join(directory, path)}: ${cause.message}`, { cause });
      throw cause;
    }
  });
  const [imageShape = [], labelShape = []] = parsed.map(({ shape }) => shape);
  if (imageShape.length !== 3 || imageShape[1] !== SIDE || imageShape[2] !== SIDE) {
    throw new UsageError(
      `${join(directory, IMAGES)}: expected images of ${SIDE} x ${SIDE} pixels (number x ${SIDE} x ${SIDE}), found the shape ${imageShape.join(" x ")}`,
    );
  }
  if (labelShape.length !== 1 || labelShape[0] !== imageShape[0]) {
    throw new UsageError(
      `${join(directory, LABELS)}: expected ${imageShape[0]} labels, one for each image, found the shape ${labelShape.join(" x ")}`,
    );
  }
  const values = parsed[1]?.data ?? new Uint8Array();
  const stranger = values.findIndex((label) => label >= CLASSES);
  if (stranger >= 0) {
    throw new UsageError(
      `${join(directory, LABELS)}: label ${stranger} (counted from 0) is ${values[stranger]}; there are ${CLASSES} classes, 0 to ${CLASSES - 1}`,
    );
  }
}

/** Licence (SPDX) and origin stand in source.json beside the data. Without it the licence is unknown, and every descendant says so. */
export async function readDescription(directory: string): Promise<v.InferOutput<typeof description>> {
  const path = join(directory, "source.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return { licence: UNKNOWN_LICENCE, source: "unknown" };
  }
  try {
    return v.parse(description, JSON.parse(text));
  } catch (cause) {
    throw new UsageError(`${path}: expected {"licence": "<SPDX identifier>", "source": "<where it comes from>"}`, { cause });
  }
}
