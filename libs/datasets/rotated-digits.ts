import { finish, type Steps } from "#libs/concurrency";
import { cos, sin, sub } from "#libs/deterministic";
import type { RotatedDigitsParameters } from "#libs/recipes";
import { type Dataset, FEATURES, SIDE } from "./dataset.ts";
import { DatasetError } from "./errors.ts";
import type { IdxArray } from "./idx.ts";

/**
 * Which part of the digits, and how far it is turned: `domain` is one of `domains` that share the digits, so that no digit is in two
 * of them; `degrees` is the rotation of every image.
 */
export type RotatedDigitsSpec = Omit<RotatedDigitsParameters, "generator">;

/** The handwritten digits as their two files hold them. */
export type DigitsSource = { readonly images: IdxArray; readonly labels: IdxArray };

/** Classes of the digits. */
const CLASSES = 10;
const SOURCE_SIDE = 8;
// Grey values 0 to 16 are stored times 15.
const FULL = 240;
// The order of the digits comes from child seed 99 of the run's seed.
const ORDER_SEED = 99;

/**
 * One domain of the rotated handwritten digits: the images of 8 × 8 are enlarged to 16 × 16, shuffled by the seed, dealt to the
 * domains in turn, and rotated. A pure function of its arguments, with the same bytes on every runtime.
 * Throws DatasetError where the files are not images of 8 × 8 with one label in 0 to 9 each, or the domain does not exist.
 * @example
 * ```ts
 * const white = parseIdx(Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 8, ...Array(64).fill(240)));
 * const labels = parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5));
 * const digits = rotatedDigits({ images: white, labels }, { domain: 0, domains: 1, degrees: 45 }, 10);
 * [digits.count, digits.labels[0], digits.images[8 * SIDE + 8], digits.images[0]]; // [1, 5, 1, 0]
 * ```
 */
export function rotatedDigits(source: DigitsSource, spec: RotatedDigitsSpec, seed: number): Dataset {
  return finish(rotatedDigitsInSteps(source, spec, seed));
}

/** What `rotatedDigits` makes, an image a step. */
export function* rotatedDigitsInSteps(source: DigitsSource, spec: RotatedDigitsSpec, seed: number): Steps<Dataset> {
  const total = checkSource(source.images, source.labels);
  const { domain, domains, degrees } = spec;
  if (!Number.isSafeInteger(domains) || domains < 1)
    throw new DatasetError(`the number of domains is ${domains}, expected a whole number of at least 1`);
  if (!Number.isSafeInteger(domain) || domain < 0 || domain >= domains)
    throw new DatasetError(`the domain is ${domain}, expected 0 to ${domains - 1}`);
  const chosen = shuffled(total, sub(seed, ORDER_SEED)).filter((_, position) => position % domains === domain);
  const images = new Float32Array(chosen.length * FEATURES);
  const labels = new Int32Array(chosen.length);
  const large = new Float32Array(FEATURES);
  for (const [i, digit] of chosen.entries()) {
    enlarge(source.images.data.subarray(digit * SOURCE_SIDE * SOURCE_SIDE, (digit + 1) * SOURCE_SIDE * SOURCE_SIDE), large);
    rotate(large, degrees, images.subarray(i * FEATURES, (i + 1) * FEATURES));
    labels[i] = source.labels.data[digit]!;
    yield;
  }
  return { images, labels, count: chosen.length, features: FEATURES, classes: CLASSES };
}

function checkSource(images: IdxArray, labels: IdxArray): number {
  const [total = 0, rows, columns] = images.shape;
  if (images.shape.length !== 3 || rows !== SOURCE_SIDE || columns !== SOURCE_SIDE) {
    throw new DatasetError(`the images are [${images.shape.join(", ")}], expected [count, ${SOURCE_SIDE}, ${SOURCE_SIDE}]`);
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== total) {
    throw new DatasetError(`the labels are [${labels.shape.join(", ")}], expected one for each of ${total} images`);
  }
  const wrong = labels.data.findIndex((label) => label >= CLASSES);
  if (wrong >= 0) throw new DatasetError(`label ${wrong} is ${labels.data[wrong]}, expected 0 to ${CLASSES - 1}`);
  return total;
}

/** The numbers below `count`, ordered by the 32-bit word of each; equal words keep their order. */
function shuffled(count: number, seed: number): number[] {
  const words = Array.from({ length: count }, (_, i) => sub(seed, i));
  return words.map((_, i) => i).sort((a, b) => words[a]! - words[b]! || a - b);
}

/** Bilinear, twice as large, with half-pixel centres: each new pixel lies a quarter from its nearest old one. The border repeats. */
function enlarge(small: Uint8Array, large: Float32Array): void {
  for (let row = 0; row < SIDE; row++) {
    const [top, bottom, down] = neighbours(row);
    for (let column = 0; column < SIDE; column++) {
      const [left, right, across] = neighbours(column);
      const upper = (1 - across) * small[top * SOURCE_SIDE + left]! + across * small[top * SOURCE_SIDE + right]!;
      const lower = (1 - across) * small[bottom * SOURCE_SIDE + left]! + across * small[bottom * SOURCE_SIDE + right]!;
      large[row * SIDE + column] = ((1 - down) * upper + down * lower) / FULL;
    }
  }
}

function neighbours(index: number): [number, number, number] {
  const centre = (index + 0.5) / 2 - 0.5;
  const before = Math.floor(centre);
  return [Math.max(before, 0), Math.min(before + 1, SOURCE_SIDE - 1), centre - before];
}

/** Bilinear, zeros outside. The output at (x, y) is the input at X = c(x − 8) + s(y − 8) + 8, Y = −s(x − 8) + c(y − 8) + 8. */
function rotate(image: Float32Array, degrees: number, out: Float32Array): void {
  const angle = degrees * (Math.PI / 180);
  const c = cos(angle);
  const s = sin(angle);
  const pixel = (row: number, column: number) => (row < 0 || row >= SIDE || column < 0 || column >= SIDE ? 0 : image[row * SIDE + column]!);
  for (let row = 0, p = 0; row < SIDE; row++) {
    const y = row + 0.5 - 8;
    for (let column = 0; column < SIDE; column++, p++) {
      const x = column + 0.5 - 8;
      const sourceX = c * x + s * y + 7.5;
      const sourceY = -s * x + c * y + 7.5;
      const left = Math.floor(sourceX);
      const top = Math.floor(sourceY);
      const across = sourceX - left;
      const down = sourceY - top;
      const upper = (1 - across) * pixel(top, left) + across * pixel(top, left + 1);
      const lower = (1 - across) * pixel(top + 1, left) + across * pixel(top + 1, left + 1);
      out[p] = (1 - down) * upper + down * lower;
    }
  }
}
