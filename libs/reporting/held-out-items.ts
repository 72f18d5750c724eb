import { counted, list } from "#libs/text";
import type { Task } from "./report.ts";

/** Domains that are named one by one. */
const MOST_DOMAINS = 8;

/**
 * What accuracy is counted on where items are held out, as a sentence; undefined where all examples of the held-out domain count.
 * @example
 * ```ts
 * const domains = [{ domain: "noto", items: 268, images: 268 }, { domain: "openmoji", items: 1, images: 2 }];
 * heldOutItemsText({ share: 0.2, domains }); // "Only items that nothing was trained on count, 20 % of all: 268 in noto and 1 in openmoji (2 examples)."
 * ```
 */
export function heldOutItemsText(heldOutItems: Task["heldOutItems"]): string | undefined {
  if (heldOutItems === undefined) return undefined;
  const { share, domains } = heldOutItems;
  const named = domains.slice(0, MOST_DOMAINS).map(({ domain, items, images }) => {
    const shown = images === items ? "" : ` (${counted(images, "example")})`;
    return `${items} in ${domain}${shown}`;
  });
  const more = domains.length - named.length;
  return `Only items that nothing was trained on count, ${Number((100 * share).toPrecision(3))} % of all: ${list(more > 0 ? [...named, `those of ${counted(more, "more domain")}`] : named)}.`;
}
