import { counted, quote } from "#libs/text";
import { similarPairs } from "./check/similar-pairs.ts";
import { type ImageIndex, nameOfRow, SHA256_BYTES } from "./shards/image-index.ts";

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
  /** Images of the target. */
  readonly images: number;
  readonly message: string;
};

/**
 * Finds images of a target in what models have seen: the same data set, or images with the same bytes, wherever they came from; and, where it
 * is known what images look like, those that look nearly equal. Data sets that share shards share no images by that alone.
 * @example
 * ```ts
 * const birds = { label: "the target", digests: ["sha256:1"] };
 * const [leak] = imageLeaks(birds, [{ label: "the auxiliary birds", digests: ["sha256:1"] }, { label: "the auxiliary cars", digests: [] }]);
 * leak?.message; // "the auxiliary birds was trained on the data set of the target"
 * ```
 */
export function imageLeaks(target: SeenImages, seen: readonly SeenImages[]): readonly ImageLeak[] {
  const rows = target.index === undefined ? undefined : rowsByContent(target.index);
  return seen.flatMap((one) => {
    if (one.digests.some((digest) => target.digests.includes(digest))) {
      return [
        {
          label: one.label,
          severity: "error",
          images: target.index?.count ?? 0,
          message: `${one.label} was trained on the data set of ${target.label}`,
        },
      ];
    }
    if (rows === undefined || target.index === undefined || one.index === undefined) return [];
    return [equalImages(target, rows, one), similarImages(target, rows, one)].flatMap((leak) => leak ?? []);
  });
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
  const message = `${label} holds ${counted(found.size, "image")} of ${target.label}, which has ${rows.size} different ones: ${example}`;
  return { label, severity: "error", images: found.size, message };
}

function similarImages(target: SeenImages, rows: Rows, { label, index, looks }: SeenImages): ImageLeak | undefined {
  if (target.looks === undefined || looks === undefined) return undefined;
  const [ours, theirs] = [target.index!, index!];
  const bits = new Uint32Array(target.looks.length + looks.length);
  bits.set(target.looks);
  bits.set(looks, target.looks.length);
  const group = new Int32Array(ours.count + theirs.count).fill(1, ours.count);
  let first: readonly [number, number] | undefined;
  const found = new Set<number>();
  for (const [a, b] of similarPairs({ bits, group })) {
    // The target's rows come first.
    const other = b - ours.count;
    if (rows.has(contentOf(theirs, other))) continue;
    first ??= [a, other];
    found.add(a);
  }
  if (first === undefined) return undefined;
  const example = `${placeOf(ours, first[0])} and its ${placeOf(theirs, first[1])}`;
  const message = `${label} holds images that look nearly equal to ${counted(found.size, "image")} of ${target.label}: ${example}`;
  return { label, severity: "warning", images: found.size, message };
}

/** The first row of each image, by its bytes. */
function rowsByContent(index: ImageIndex): Rows {
  const rows = new Map<string, number>();
  for (let row = index.count - 1; row >= 0; row--) rows.set(contentOf(index, row), row);
  return rows;
}

function contentOf({ sha256 }: ImageIndex, row: number): string {
  return Buffer.from(sha256.buffer, sha256.byteOffset + row * SHA256_BYTES, SHA256_BYTES).toString("latin1");
}

function placeOf(index: ImageIndex, row: number): string {
  return quote(`${index.domains[index.domain[row]!]}/${index.classes[index.class[row]!]}/${nameOfRow(index, row)}`);
}
