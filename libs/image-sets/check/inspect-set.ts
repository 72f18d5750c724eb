import { readFile } from "node:fs/promises";
import type { ImageLooks } from "../looks.ts";
import { imagesOf } from "../read/read-image-set.ts";
import { contentOf } from "../shards/image-index.ts";
import type { ImageSet, LabelledImage } from "../types.ts";
import { type Inspected, inspectImage, type Unusable } from "./inspect-image.ts";

/** What has been seen of each image of a set, by row. */
export type Seen = {
  /** [count], 1 where there is something. */
  readonly isThere: Uint8Array;
  /** [count, 32]. */
  readonly sha256: Uint8Array;
  /** [count, 2]. */
  readonly bits: Uint32Array;
};

/** How images are looked at. */
export type Inspection = {
  /** Images that are looked at at once. */
  readonly atOnce: number;
  readonly signal: AbortSignal | undefined;
  /** Told of each image, in the order of rows. */
  readonly onImage: (image: LabelledImage, result: Inspected | Unusable) => void;
};

/** Looks at every image of a set, several at once, in threads of the runtime's own. @throws the signal's reason */
export async function inspectSet(set: ImageSet, { atOnce, signal, onImage }: Inspection): Promise<Seen> {
  const seen = allocate(sizeOf(set));
  let row = 0;
  for await (const { image, result } of inspectAll(set, atOnce, signal)) {
    if (!("why" in result)) remember(seen, row, result);
    row++;
    onImage(image, result);
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

type Looked = { readonly image: LabelledImage; readonly result: Inspected | Unusable };

/** Looks at images, several at once, in threads of the runtime's own, and gives what they are in the order of rows. */
async function* inspectAll(set: ImageSet, atOnce: number, signal: AbortSignal | undefined): AsyncGenerator<Looked, void, undefined> {
  const waiting: Promise<Looked>[] = [];
  try {
    for (const image of imagesOf(set)) {
      signal?.throwIfAborted();
      const looking = look(image);
      // Awaited in its turn.
      looking.catch(() => undefined);
      waiting.push(looking);
      if (waiting.length >= atOnce) yield await waiting.shift()!;
    }
    for (const looked of waiting.splice(0)) yield await looked;
  } finally {
    await Promise.allSettled(waiting);
  }
}

async function look(image: LabelledImage): Promise<Looked> {
  const { content } = image;
  try {
    const bytes = "path" in content ? await readFile(content.path) : content.make();
    return { image, result: await inspectImage(bytes) };
  } catch (error) {
    return { image, result: { kind: "unreadable", why: `cannot be read: ${(error as Error).message}` } };
  }
}

function allocate(count: number): Seen {
  return { isThere: new Uint8Array(count), sha256: new Uint8Array(32 * count), bits: new Uint32Array(2 * count) };
}

function remember({ isThere, sha256, bits }: Seen, row: number, image: Inspected): void {
  isThere[row] = 1;
  sha256.set(image.sha256, 32 * row);
  bits.set(image.looks, 2 * row);
}
