import { gunzipSync } from "node:zlib";
import { IdxError, parseIdx } from "#libs/datasets";
import { torchGenerator } from "#libs/protocols";
import { quote } from "#libs/text";
import { ImageSetError } from "../errors.ts";
import { encodePng } from "../png.ts";
import { idxPairs } from "../read/idx.ts";
import type { LabelledImage } from "../types.ts";
import { type Grey, rotate } from "./rotate.ts";

/** Handwritten digits: `count` grey pictures and their labels, 0 to 9. */
export type Digits = { readonly count: number; readonly labels: Uint8Array; picture(i: number): Grey };

/** Drawn images and their classes, ready to be packed. */
export type DrawnImages = { readonly images: Iterable<LabelledImage>; readonly classes: readonly string[] };

/**
 * The digits of idx files with MNIST's names, packed with gzip or not: those for training first, then those of `t10k`, as DomainBed has them.
 * @param files by name
 * @throws ImageSetError for files that are missing, damaged, or do not belong together
 */
export function readDigits(files: ReadonlyMap<string, Uint8Array>): Digits {
  const names = new Map([...files.keys()].map((title) => [title.slice(title.lastIndexOf("/") + 1), title]));
  const pairs = idxPairs([...names.keys()]).sort((a, b) => Number(b.stem === "train") - Number(a.stem === "train"));
  if (pairs.length === 0)
    throw new ImageSetError(
      `there are no idx files of digits: expected train-images-idx3-ubyte and train-labels-idx1-ubyte, found ${quote([...names.keys()].join(", "))}`,
    );
  const parts = pairs.map(({ stem, images, labels }) => {
    const [pixels, classes] = [arrayOf(files, names.get(images), stem, 3), arrayOf(files, names.get(labels), stem, 1)];
    if (pixels.shape[0] !== classes.shape[0])
      throw new ImageSetError(`${labels} has ${classes.shape[0]} labels: expected ${pixels.shape[0]}, one for each image of ${images}`);
    return { pixels, labels: classes.data };
  });
  const [, height = 0, width = 0] = parts[0]!.pixels.shape;
  if (parts.some(({ pixels }) => pixels.shape[1] !== height || pixels.shape[2] !== width))
    throw new ImageSetError("the idx files have images of different sizes");
  const pixels = Buffer.concat(parts.map((part) => part.pixels.data));
  const labels = Buffer.concat(parts.map((part) => part.labels));
  const wrong = labels.findIndex((label) => label > 9);
  if (wrong >= 0) throw new ImageSetError(`label ${wrong} of the idx files is ${labels[wrong]}: expected 0 to 9`);
  const size = width * height;
  return { count: labels.length, labels, picture: (i) => ({ width, height, data: pixels.subarray(i * size, (i + 1) * size) }) };
}

function arrayOf(files: ReadonlyMap<string, Uint8Array>, title: string | undefined, stem: string, dimensions: number) {
  const file = title === undefined ? undefined : files.get(title);
  if (title === undefined || file === undefined)
    throw new ImageSetError(`of the idx files ${quote(stem)}, the one of the ${dimensions === 3 ? "images" : "labels"} is missing`);
  try {
    return parseIdx(title.endsWith(".gz") ? gunzipSync(file) : file, dimensions);
  } catch (cause) {
    throw new ImageSetError(`${title}: ${cause instanceof IdxError ? cause.message : `cannot be unpacked: ${(cause as Error).message}`}`, {
      cause,
    });
  }
}

/**
 * DomainBed's RotatedMNIST: digits shuffled, dealt out to one domain for each angle, and turned by it. Grey PNG files; a domain has its
 * images in DomainBed's order. With MNIST's files and the seed of a run of DomainBed, they are its images.
 */
export function rotatedMnist(digits: Digits, { angles, seed }: { readonly angles: readonly number[]; readonly seed: number }): DrawnImages {
  const dealt = deal(digits, angles.length, torchGenerator(seed));
  function* images(): Generator<LabelledImage> {
    for (const [place, angle] of angles.entries()) {
      for (const i of dealt[place]!) {
        const make = () => {
          const { width, height, data } = rotate(digits.picture(i), angle);
          return encodePng({ width, height, channels: 1, data });
        };
        yield { domain: String(angle), class: String(digits.labels[i]), name: nameOf(i), content: { make } };
      }
    }
  }
  const there = new Set(digits.labels);
  return {
    images: images(),
    classes: Array.from({ length: 10 }, (_, digit) => digit)
      .filter((digit) => there.has(digit))
      .map(String),
  };
}

/**
 * DomainBed's ColoredMNIST: class "1" is a digit below 5, but for `labelNoise` of them; the colour is red for class "0" and green for "1", but for
 * the `flips` of each domain. RGB PNG files without blue: DomainBed's two channels are the first two.
 */
export function coloredMnist(
  digits: Digits,
  { flips, labelNoise, seed }: { readonly flips: readonly number[]; readonly labelNoise: number; readonly seed: number },
): DrawnImages {
  const torch = torchGenerator(seed);
  const dealt = deal(digits, flips.length, torch);
  function* images(): Generator<LabelledImage> {
    for (const [place, flip] of flips.entries()) {
      const rows = dealt[place]!;
      const [wrongLabel, wrongColour] = [bernoulli(torch.uniform(rows.length), labelNoise), bernoulli(torch.uniform(rows.length), flip)];
      for (const [k, i] of rows.entries()) {
        const label = Number(digits.labels[i]! < 5) ^ wrongLabel(k);
        const channel = label ^ wrongColour(k);
        yield {
          domain: colourDomain(flip),
          class: String(label),
          name: nameOf(i),
          content: { make: () => coloured(digits.picture(i), channel) },
        };
      }
    }
  }
  return { images: images(), classes: ["0", "1"] };
}

/** Rows of each of so many domains: every so many of a permutation. */
function deal({ count }: Digits, domains: number, torch: ReturnType<typeof torchGenerator>): Int32Array[] {
  const shuffled = torch.permutation(count);
  return Array.from({ length: domains }, (_, place) => shuffled.filter((_, k) => k % domains === place));
}

/** Torch compares with the probability as a 32-bit number. */
function bernoulli(uniform: Float32Array, probability: number): (k: number) => number {
  const bound = Math.fround(probability);
  return (k) => Number(uniform[k]! < bound);
}

/** DomainBed's names: how often the colour is that of the class, and with a minus how often it is not. */
function colourDomain(flip: number): string {
  const percent = Number((100 * Math.max(flip, 1 - flip)).toFixed(6));
  return `${flip > 0.5 ? "-" : "+"}${percent}%`;
}

function coloured({ width, height, data }: Grey, channel: number): Uint8Array {
  const rgb = new Uint8Array(3 * data.length);
  for (let p = 0; p < data.length; p++) rgb[3 * p + channel] = data[p]!;
  return encodePng({ width, height, channels: 3, data: rgb });
}

/** The place of a digit in the files. */
function nameOf(i: number): string {
  return `${String(i).padStart(5, "0")}.png`;
}
