import type { Steps } from "#libs/concurrency";
import { counted, list, plural, quote } from "#libs/text";
import { similarPairs } from "./check/similar-pairs.ts";
import { isTestItem, itemOfRow } from "./items.ts";
import { contentOf, type ImageIndex, nameOfRow } from "./shards/image-index.ts";

/** Images that are named of those that look nearly equal. */
const MOST_EXAMPLES = 3;
/** Rows between two pauses. */
const STEP = 4096;

/** Images that a model was trained on, or is tested on. */
export type SeenImages = {
  /** What a person calls it: "the auxiliary birds". */
  readonly label: string;
  /** Digests of the data set and of all that it was made of. */
  readonly digests: readonly string[];
  /** The images, where they are known one by one. */
  readonly index?: ImageIndex | undefined;
  /** [count, 2], what each row of the index looks like: see glimpseImage. Without it nothing is said of images that are nearly equal. */
  readonly looks?: Uint32Array | undefined;
};

/** Images of the target that a model has seen. */
export type ImageLeak = {
  readonly label: string;
  /** Equal images are an error where nobody has allowed them; images that only look alike are for a person to look at. */
  readonly severity: "error" | "warning";
  /** Images of the target, or items. */
  readonly images: number;
  readonly message: string;
};

/**
 * Finds images of a target in what models have seen: the same data set, or images with the same bytes, wherever they came from; and, where it
 * is known what images look like, those that look nearly equal. Data sets that share shards share no images by that alone.
 * @example
 * ```ts
 * import { finish } from "#libs/concurrency";
 * const birds = { label: "the target", digests: ["sha256:1"] };
 * const seen = [{ label: "the auxiliary birds", digests: ["sha256:1"] }, { label: "the auxiliary cars", digests: [] }];
 * finish(imageLeaks(birds, seen))[0]?.message; // "the auxiliary birds was trained on the data set of the target"
 * ```
 */
export function* imageLeaks(target: SeenImages, seen: readonly SeenImages[]): Steps<readonly ImageLeak[]> {
  const rows = target.index === undefined ? undefined : yield* rowsByContent(target.index);
  const leaks: ImageLeak[] = [];
  for (const one of seen) {
    const { label } = one;
    if (one.digests.some((digest) => target.digests.includes(digest))) {
      const message = `${label} was trained on the data set of ${target.label}`;
      leaks.push({ label, severity: "error", images: target.index?.count ?? 0, message });
    } else if (rows !== undefined && one.index !== undefined) {
      for (const leak of [equalImages(target, rows, one), yield* similarImages(target, rows, one)]) if (leak) leaks.push(leak);
    }
  }
  return leaks;
}

/**
 * Finds items of a target that are held out and that a model has learned, in whatever style, by their names. Without indices nothing is said.
 * @param share of all items that are held out @param seen `heldOut` is the share that was held out of its training likewise
 */
export function* itemLeaks(
  target: SeenImages,
  share: number,
  seen: readonly (SeenImages & { readonly heldOut: number })[],
): Steps<readonly ImageLeak[]> {
  const items = yield* itemsOf(target.index, (item) => isTestItem(item, share));
  const leaks: ImageLeak[] = [];
  for (const { label, index, heldOut } of seen) {
    const found = yield* itemsOf(index, (item) => items.has(item) && !isTestItem(item, heldOut));
    const [first] = found;
    if (first === undefined) continue;
    const message = `${label} was trained on ${found.size} of the ${counted(items.size, "item")} of ${target.label} that are held out, by the names of its ${thingOf(index)}s: ${quote(first)}`;
    leaks.push({ label, severity: "error", images: found.size, message });
  }
  return leaks;
}

/** What is wrong with a target by itself, as a sentence: images that several of its domains hold, by their bytes. Undefined where there are none. */
export function* imagesInDomains({ label, index }: SeenImages): Steps<string | undefined> {
  if (index === undefined) return undefined;
  const rows = yield* rowsByContent(index);
  const found = new Map<number, number>();
  for (let row = 0; row < index.count; row++) {
    if (row % STEP === 0) yield;
    const first = rows.get(contentOf(index, row))!;
    if (!found.has(first) && index.domain[row] !== index.domain[first]) found.set(first, row);
  }
  const [example] = found;
  if (example === undefined) return undefined;
  const where = list(example.map((row) => placeOf(index, row)));
  return `${counted(found.size, thingOf(index))} of ${label} ${plural(found.size, "is", "are")} in several of its domains, such as ${where}: what is learned in one is tested in the other`;
}

/** Items of an index, each once. */
function* itemsOf(index: ImageIndex | undefined, isWanted: (item: string) => boolean): Steps<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let row = 0; row < (index?.count ?? 0); row++) {
    const item = itemOfRow(index!, row);
    if (!found.has(item) && isWanted(item)) found.add(item);
    if (row % STEP === 0) yield;
  }
  return found;
}

type Rows = ReadonlyMap<string, number>;

function equalImages(target: SeenImages, rows: Rows, { label, index }: SeenImages): ImageLeak | undefined {
  let first: readonly [number, number] | undefined;
  const found = new Set<number>();
  for (let row = 0; row < index!.count; row++) {
    const same = rows.get(contentOf(index!, row));
    if (same === undefined) continue;
    first ??= [same, row];
    found.add(same);
  }
  if (first === undefined) return undefined;
  const example = `${placeOf(target.index!, first[0])} is its ${placeOf(index!, first[1])}`;
  const message = `${label} holds ${counted(found.size, thingOf(index))} of ${target.label}, which has ${rows.size} different ones: ${example}`;
  return { label, severity: "error", images: found.size, message };
}

function* similarImages(target: SeenImages, rows: Rows, { label, index, looks }: SeenImages): Steps<ImageLeak | undefined> {
  if (target.looks === undefined || looks === undefined) return undefined;
  const [ours, theirs] = [target.index!, index!];
  const bits = new Uint32Array(target.looks.length + looks.length);
  bits.set(target.looks);
  bits.set(looks, target.looks.length);
  const group = new Int32Array(ours.count + theirs.count).fill(1, ours.count);
  const lookOf = (row: number) => `${bits[2 * row]} ${bits[2 * row + 1]}`;
  // For each look of the target that others have nearly, one image with it and one of theirs.
  const found = new Map<string, readonly [number, number]>();
  for (const pair of similarPairs({ bits, group })) {
    if (pair === undefined) {
      yield;
      continue;
    }
    // The target's rows come first.
    const other = pair[1] - ours.count;
    if (!rows.has(contentOf(theirs, other)) && !found.has(lookOf(pair[0]))) found.set(lookOf(pair[0]), [pair[0], other]);
  }
  if (found.size === 0) return undefined;
  const images = [...rows.values()].filter((row) => found.has(lookOf(row))).length;
  const examples = [...found.values()].slice(0, MOST_EXAMPLES).map(([a, b]) => `${placeOf(ours, a)} to its ${placeOf(theirs, b)}`);
  const more = images - examples.length;
  const message = `${counted(images, "image")} of ${target.label} ${plural(images, "looks", "look")} nearly equal to images of ${label}: ${list([...examples, ...(more > 0 ? [`${more} more`] : [])])}`;
  return { label, severity: "warning", images, message };
}

/** What the rows of an index are, for people. */
function thingOf(index: ImageIndex | undefined): string {
  return index?.of === "records" ? "record" : "image";
}

/** The first row of each image, by its bytes. */
function* rowsByContent(index: ImageIndex): Steps<Rows> {
  const rows = new Map<string, number>();
  for (let row = index.count - 1; row >= 0; row--) {
    if (row % STEP === 0) yield;
    rows.set(contentOf(index, row), row);
  }
  return rows;
}

function placeOf(index: ImageIndex, row: number): string {
  return quote(`${index.domains[index.domain[row]!]}/${index.classes[index.class[row]!]}/${nameOfRow(index, row)}`);
}
