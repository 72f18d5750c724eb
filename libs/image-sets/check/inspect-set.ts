import { runTasks } from "#libs/threads";
import type { ImageLooks } from "../looks.ts";
import { imagesOf } from "../read/read-image-set.ts";
import { contentOf } from "../shards/image-index.ts";
import type { ImageSet, LabelledImage } from "../types.ts";
import type { Inspected, Unusable } from "./inspect-image.ts";
import type { InspectResult, InspectUnit } from "./inspect-thread.ts";

/** What has been seen of each image of a set, by row. */
export type Seen = {
  /** [count], 1 where there is something. */
  readonly isThere: Uint8Array;
  /** [count, 32]. */
  readonly sha256: Uint8Array;
  /** [count, 2]. */
  readonly bits: Uint32Array;
};

/** Images that a thread is given at once: a few milliseconds, or some seconds where they are large. */
const UNIT_IMAGES = 16;
/** Images for each of which a thread is worth its start. */
const IMAGES_A_THREAD = 100;

/** How images are looked at. */
export type Inspection = {
  /** At most. */
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
  /** Told of each image, in the order of rows. */
  readonly onImage: (image: LabelledImage, result: Inspected | Unusable) => void;
};

/** Looks at every image of a set, in threads where there are many. @throws the signal's reason */
export async function inspectSet(set: ImageSet, { threads, signal, onImage }: Inspection): Promise<Seen> {
  const count = sizeOf(set);
  const seen = allocate(count);
  const blocks = blocksOf(imagesOf(set));
  const looking = runTasks<Block, InspectUnit, InspectResult>({
    module: new URL("./inspect-thread.ts", import.meta.url),
    setup: {},
    threads: Math.min(threads, Math.floor(count / IMAGES_A_THREAD)),
    next: () => blocks.next().value ?? undefined,
    unitOf: ({ images }) => images.map(({ content }) => ("path" in content ? content.path : content.make())),
    signal: signal ?? new AbortController().signal,
  });
  // Blocks come as they are done.
  const waiting = new Map<number, { readonly images: Block["images"]; readonly results: InspectResult }>();
  let next = 0;
  for await (const { task, result } of looking) {
    waiting.set(task.begin, { images: task.images, results: result });
    for (let block = waiting.get(next); block !== undefined; block = waiting.get(next)) {
      waiting.delete(next);
      for (const [i, image] of block.images.entries()) {
        const inspected = block.results[i]!;
        if (!("why" in inspected)) remember(seen, next + i, inspected);
        onImage(image, inspected);
      }
      next += block.images.length;
    }
  }
  return seen;
}

/** What the images look like that could be read. */
export function looksSeen({ isThere, sha256, bits }: Seen): ImageLooks {
  const rows = new Map<string, number>();
  for (const [row, there] of isThere.entries()) if (there === 1) rows.set(contentOf({ sha256 }, row), row);
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  const looks = { sha256: new Uint8Array(32 * sorted.length), hash: new Uint32Array(2 * sorted.length) };
  for (const [i, [, row]] of sorted.entries()) {
    looks.sha256.set(sha256.subarray(32 * row, 32 * row + 32), 32 * i);
    looks.hash.set(bits.subarray(2 * row, 2 * row + 2), 2 * i);
  }
  return looks;
}

/** How many images a set has. */
export function sizeOf({ groups }: ImageSet): number {
  return groups.reduce((sum, { names }) => sum + names.length, 0);
}

/** Some images, and the row of the first one. */
type Block = { readonly begin: number; readonly images: readonly LabelledImage[] };

function* blocksOf(images: Iterable<LabelledImage>): Generator<Block, undefined, undefined> {
  let begin = 0;
  let block: LabelledImage[] = [];
  for (const image of images) {
    block.push(image);
    if (block.length < UNIT_IMAGES) continue;
    yield { begin, images: block };
    begin += block.length;
    block = [];
  }
  if (block.length > 0) yield { begin, images: block };
}

function allocate(count: number): Seen {
  return { isThere: new Uint8Array(count), sha256: new Uint8Array(32 * count), bits: new Uint32Array(2 * count) };
}

function remember({ isThere, sha256, bits }: Seen, row: number, image: Inspected): void {
  isThere[row] = 1;
  sha256.set(image.sha256, 32 * row);
  bits.set(image.looks, 2 * row);
}
