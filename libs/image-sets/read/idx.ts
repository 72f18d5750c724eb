import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { IdxArray } from "#libs/datasets";
import { encodePng } from "../png.ts";
import type { ImageGroup } from "../types.ts";
import { distinct } from "./distinct.ts";
import type { Findings } from "./findings.ts";

/** Files of images and labels that belong together: "train-images-idx3-ubyte.gz" and "train-labels-idx1-ubyte.gz" have the stem "train". */
export type IdxPair = { readonly stem: string; readonly images: string; readonly labels: string };

const NAME = /^(?:(.+)[-.])?(images[-.]idx3|labels[-.]idx1)[-.]ubyte(?:\.gz)?$/;
const NO_STEM = "all";

/** The pairs of idx files among names, with MNIST's names: also without anything before "images", or with dots in place of "-". A file without its other half has "" for it. */
export function idxPairs(names: readonly string[]): IdxPair[] {
  const pairs = new Map<string, { images: string; labels: string }>();
  for (const name of names) {
    const [, stem = NO_STEM, what] = NAME.exec(name) ?? [];
    if (what === undefined) continue;
    const pair = pairs.get(stem) ?? { images: "", labels: "" };
    pair[what.startsWith("images") ? "images" : "labels"] = name;
    pairs.set(stem, pair);
  }
  return distinct(pairs.keys()).map((stem) => ({ stem, ...pairs.get(stem)! }));
}

/**
 * Reads a domain of idx files, which stay in memory. Their images have no files of their own: each is made as a PNG. Classes are the
 * labels, with zeros in front where some are longer.
 */
export async function readIdx(directory: string, domain: string, pairs: readonly IdxPair[], findings: Findings): Promise<ImageGroup[]> {
  const images = new Map<string, () => Uint8Array>();
  const namesOf = new Map<number, string[]>();
  for (const { stem, images: imageFile, labels: labelFile } of pairs) {
    const path = join(directory, imageFile || labelFile);
    if (imageFile === "" || labelFile === "") {
      findings.report("error", "idx", `${path}: the file of the ${imageFile === "" ? "images" : "labels"} that belongs to it is missing`);
      continue;
    }
    const pixels = await readArray(join(directory, imageFile), 3, findings);
    const labels = await readArray(join(directory, labelFile), 1, findings);
    if (pixels === undefined || labels === undefined) continue;
    const [count = 0, height = 0, width = 0] = pixels.shape;
    if (labels.shape[0] !== count) {
      findings.report(
        "error",
        "idx",
        `${join(directory, labelFile)} has ${labels.shape[0]} labels: expected ${count}, one for each image of ${imageFile}`,
      );
      continue;
    }
    for (let i = 0; i < count; i++) {
      const name = `${stem}-${String(i).padStart(7, "0")}.png`;
      const at = i * height * width;
      images.set(name, () => encodePng({ width, height, channels: 1, data: pixels.data.subarray(at, at + height * width) }));
      const known = namesOf.get(labels.data[i]!);
      if (known === undefined) namesOf.set(labels.data[i]!, [name]);
      else known.push(name);
    }
  }
  const digits = String(Math.max(0, ...namesOf.keys())).length;
  return [...namesOf.keys()]
    .sort((a, b) => a - b)
    .map((label) => ({
      domain,
      class: String(label).padStart(digits, "0"),
      names: namesOf.get(label)!.sort(),
      contentOf: (name) => ({ make: images.get(name)! }),
    }));
}

async function readArray(path: string, dimensions: number, findings: Findings): Promise<IdxArray | undefined> {
  // With it come functions that others do not wait for.
  const { IdxError, parseIdx } = await import("#libs/datasets");
  try {
    const file = await readFile(path);
    return parseIdx(path.endsWith(".gz") ? gunzipSync(file) : file, dimensions);
  } catch (error) {
    const why = error instanceof IdxError ? error.message : `cannot be unpacked or read: ${(error as Error).message}`;
    findings.report("error", "idx", `${path}: ${why}`);
    return undefined;
  }
}
