import { availableParallelism } from "node:os";
import type { Size } from "#libs/images";
import type { ImageLooks } from "../looks.ts";
import { createFindings } from "../read/findings.ts";
import { type ReadOptions, readImageSet } from "../read/read-image-set.ts";
import type { LabelledImage, Problem } from "../types.ts";
import { inspectSet, looksSeen, sizeOf } from "./inspect-set.ts";
import { reportEqual } from "./report-equal.ts";
import { reportItems } from "./report-items.ts";
import { reportShared } from "./report-shared.ts";

/** How far a check is. */
export type CheckProgress = { readonly images: number; readonly total: number };

export type CheckOptions = ReadOptions & {
  /** At most; by default as many as there are cores. Few images need none. */
  readonly threads?: number | undefined;
  /** Other folders, of auxiliary tasks: which images of this one do they hold, too? */
  readonly against?: readonly string[] | undefined;
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
 * Looks at every image of a folder: reads it to its end, compares it with all others, and counts, in threads. Of all bytes, those of a few
 * images are in memory at a time.
 * @throws ImageSetError where there is no such folder, and the signal's reason
 */
export async function checkImageSet(path: string, options: CheckOptions = {}): Promise<ImageReport> {
  return (await lookAtImageSet(path, options)).report;
}

/** The same, and what the images look like that could be read: looking for it costs nothing more. @throws as checkImageSet */
export async function lookAtImageSet(
  path: string,
  options: CheckOptions = {},
): Promise<{ readonly report: ImageReport; readonly looks: ImageLooks }> {
  const { signal, onProgress, against = [], threads = availableParallelism() } = options;
  const set = await readImageSet(path, options);
  const others = await Promise.all(against.map((other) => readImageSet(other, { signal })));
  const total = [set, ...others].reduce((sum, one) => sum + sizeOf(one), 0);
  const findings = createFindings();
  const counts = new Map<string, { images: number; bytes: number }>(set.domains.map((name) => [name, { images: 0, bytes: 0 }]));
  let [smallest, largest]: [Size | undefined, Size | undefined] = [undefined, undefined];
  let done = 0;
  const onLooked = () => onProgress?.({ images: ++done, total });
  const seen = await inspectSet(set, {
    ...{ threads, signal },
    onImage(image, result) {
      onLooked();
      if ("why" in result) return findings.report("error", result.kind, `${placeOf(image)}: ${result.why}`);
      const count = counts.get(image.domain)!;
      count.images++;
      count.bytes += result.bytes;
      if (smallest === undefined || pixels(result.size) < pixels(smallest)) smallest = result.size;
      if (largest === undefined || pixels(result.size) > pixels(largest)) largest = result.size;
    },
  });
  reportItems(set, findings);
  reportEqual(set, seen, findings);
  for (const other of others) {
    const theirs = await inspectSet(other, { threads, signal, onImage: onLooked });
    reportShared({ set, seen }, { set: other, seen: theirs }, findings);
  }
  const problems = [...set.problems, ...findings.problems()];
  const report = {
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
  return { report, looks: looksSeen(seen) };
}

/** Where an image is, for a person. */
function placeOf({ domain, class: label, name, content }: LabelledImage): string {
  return "path" in content ? content.path : `${domain}/${label}/${name}`;
}

function pixels({ width, height }: Size): number {
  return width * height;
}
