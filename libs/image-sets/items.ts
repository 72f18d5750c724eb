import { createHash } from "node:crypto";
import type { Steps } from "#libs/concurrency";
import { type ImageIndex, nameOfRow } from "./shards/image-index.ts";
import { textOfRow } from "./shards/texts.ts";

/** Rows between two pauses. */
const STEP = 4096;

/** How the items of a data set are divided: see `splitByItems`. */
export type ItemShares = {
  /** Share of all items that is for testing, 0 to 1. */
  readonly test: number;
  /** Share of the other items that is for validation, 0 to 1. */
  readonly fraction: number;
  /** Draws the items for validation. Those for testing are the same in all trials. */
  readonly trial: number;
};

/** Rows of one domain, ascending. */
export type ItemParts = { readonly training: Int32Array; readonly validation: Int32Array; readonly test: Int32Array };

/** How many items of a domain are held out, and how many images show them. */
export type HeldOutItems = { readonly domain: string; readonly items: number; readonly images: number };

/**
 * What an image shows, whatever its domain: the same item drawn, photographed or scanned twice is one item. It is what the index says of the
 * row, or else the name of the file without folders and extension.
 * @param row from 0
 */
export function itemOfRow(index: ImageIndex, row: number): string {
  const said = index.items === undefined ? "" : textOfRow(index.items, row);
  return said === "" ? stemOf(nameOfRow(index, row)) : said;
}

/**
 * The name of a file without folders and extension.
 * @example
 * ```ts
 * stemOf("scans/1f600.v2.png"); // "1f600.v2"
 * ```
 */
export function stemOf(name: string): string {
  const file = name.slice(name.lastIndexOf("/") + 1);
  const dot = file.lastIndexOf(".");
  return dot > 0 ? file.slice(0, dot) : file;
}

/**
 * Whether an item is for testing where a share of all items is: known from its name alone, so that it is on the same side in every domain, in
 * every data set and in every trial, and items that are added move no other one.
 * @example
 * ```ts
 * ["1f600", "1f601", "1f602"].map((item) => isTestItem(item, 0.5)); // [true, false, false]
 * ```
 */
export function isTestItem(item: string, share: number): boolean {
  return placeOf(`test/${item}`) < share;
}

/**
 * Divides rows by what they show, scikit-learn's GroupShuffleSplit: all images of an item are on the same side. An item's place is the first
 * six bytes of a SHA-256, as a share of 2^48; items whose place is below a share are taken.
 * @returns the rows of each domain of the index, in its order
 */
export function splitByItems(index: ImageIndex, { test, fraction, trial }: ItemShares): ItemParts[] {
  const parts = index.domains.map(() => ({ training: [] as number[], validation: [] as number[], test: [] as number[] }));
  const sides = new Map<string, keyof ItemParts>();
  for (let row = 0; row < index.count; row++) {
    const item = itemOfRow(index, row);
    let side = sides.get(item);
    if (side === undefined) {
      side = isTestItem(item, test) ? "test" : placeOf(`validation/${trial}/${item}`) < fraction ? "validation" : "training";
      sides.set(item, side);
    }
    parts[index.domain[row]!]![side].push(row);
  }
  return parts.map(({ training, validation, test: tested }) => ({
    training: Int32Array.from(training),
    validation: Int32Array.from(validation),
    test: Int32Array.from(tested),
  }));
}

/** The items of each domain that are for testing where a share of all items is. */
export function* heldOutItems(index: ImageIndex, share: number): Steps<HeldOutItems[]> {
  const found = index.domains.map((domain) => ({ domain, items: new Set<string>(), images: 0 }));
  for (let row = 0; row < index.count; row++) {
    const item = itemOfRow(index, row);
    const own = found[index.domain[row]!]!;
    if (own.items.has(item) || isTestItem(item, share)) {
      own.items.add(item);
      own.images++;
    }
    if (row % STEP === 0) yield;
  }
  return found.map(({ items, ...own }) => ({ ...own, items: items.size }));
}

/** At least 0, below 1. */
function placeOf(text: string): number {
  return createHash("sha256").update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
