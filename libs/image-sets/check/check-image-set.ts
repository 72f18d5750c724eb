import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Size } from "#libs/images";
import { createFindings } from "../read/findings.ts";
import { imagesOf, type ReadOptions, readImageSet } from "../read/read-image-set.ts";
import type { ImageSet, LabelledImage, Problem } from "../types.ts";
import { type Inspected, inspectImage, type Unusable } from "./inspect-image.ts";
import { reportEqual, type Seen } from "./report-equal.ts";

/** How far a check is. */
export type CheckProgress = { readonly images: number; readonly total: number };

export type CheckOptions = ReadOptions & {
  /** Images that are looked at at once; by default twice as many as there are cores. */
  readonly atOnce?: number | undefined;
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
};

/** Images of one class in one domain. */
export type ClassCount = { readonly class: string; readonly images: number };
/** What a domain has. */
export type DomainCount = {
  readonly domain: string;
  readonly images: number;
  readonly bytes: number;
  readonly classes: readonly ClassCount[];
};

/** What is in a folder of images, and what is wrong with it. */
export type ImageReport = {
  readonly path: string;
  /** Whether there is no error among the problems. */
  readonly usable: boolean;
  readonly images: number;
  readonly bytes: number;
  readonly classes: readonly string[];
  readonly domains: readonly DomainCount[];
  /** Of those that can be used: the fewest and the most pixels; null without any. */
  readonly smallest: Size | null;
  readonly largest: Size | null;
  readonly problems: readonly Problem[];
};

/**
 * Looks at every image of a folder: decodes it, compares it with all others, and counts. Several at once; of all bytes, those of a few images
 * are in memory at a time.
 * @throws ImageSetError where there is no such folder, and the signal's reason
 */
export async function checkImageSet(path: string, options: CheckOptions = {}): Promise<ImageReport> {
  const { signal, onProgress, atOnce = 2 * availableParallelism() } = options;
  const set = await readImageSet(path, options);
  const total = set.groups.reduce((sum, { names }) => sum + names.length, 0);
  const findings = createFindings();
  const seen = allocate(total);
  const counts = new Map<string, { images: number; bytes: number }>(set.domains.map((name) => [name, { images: 0, bytes: 0 }]));
  let [smallest, largest]: [Size | undefined, Size | undefined] = [undefined, undefined];
  let done = 0;
  for await (const { row, image, result } of inspectAll(set, atOnce, signal)) {
    onProgress?.({ images: ++done, total });
    if ("why" in result) {
      findings.report("error", result.kind, `${placeOf(image)}: ${result.why}`);
      continue;
    }
    const count = counts.get(image.domain)!;
    count.images++;
    count.bytes += result.bytes;
    remember(seen, row, result);
    if (smallest === undefined || pixels(result.size) < pixels(smallest)) smallest = result.size;
    if (largest === undefined || pixels(result.size) > pixels(largest)) largest = result.size;
  }
  reportEqual(set, seen, findings);
  const problems = [...set.problems, ...findings.problems()];
  return {
    path,
    usable: problems.every(({ severity }) => severity !== "error"),
    images: [...counts.values()].reduce((sum, { images }) => sum + images, 0),
    bytes: [...counts.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    classes: set.classes,
    domains: set.domains.map((domain) => ({
      domain,
      ...counts.get(domain)!,
      classes: set.groups.filter((group) => group.domain === domain).map((group) => ({ class: group.class, images: group.names.length })),
    })),
    smallest: smallest ?? null,
    largest: largest ?? null,
    problems,
  };
}

type Looked = { readonly row: number; readonly image: LabelledImage; readonly result: Inspected | Unusable };

/** Looks at images, several at once, in threads of the runtime's own, and gives what they are in the order of rows. */
async function* inspectAll(set: ImageSet, atOnce: number, signal: AbortSignal | undefined): AsyncGenerator<Looked, void, undefined> {
  const waiting: Promise<Looked>[] = [];
  try {
    let row = 0;
    for (const image of imagesOf(set)) {
      signal?.throwIfAborted();
      const looking = look(row++, image);
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

async function look(row: number, image: LabelledImage): Promise<Looked> {
  const { content } = image;
  try {
    const bytes = "path" in content ? await readFile(content.path) : content.make();
    return { row, image, result: await inspectImage(bytes) };
  } catch (error) {
    return { row, image, result: { kind: "unreadable", why: `cannot be read: ${(error as Error).message}` } };
  }
}

/** Where an image is, for a person. */
function placeOf({ domain, class: label, name, content }: LabelledImage): string {
  return "path" in content ? content.path : `${domain}/${label}/${name}`;
}

function pixels({ width, height }: Size): number {
  return width * height;
}

function allocate(count: number): Seen {
  return { isThere: new Uint8Array(count), sha256: new Uint8Array(32 * count), bits: new Uint32Array(2 * count) };
}

function remember({ isThere, sha256, bits }: Seen, row: number, image: Inspected): void {
  isThere[row] = 1;
  sha256.set(image.sha256, 32 * row);
  bits.set(image.looks, 2 * row);
}
