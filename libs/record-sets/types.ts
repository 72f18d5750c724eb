import type { Problem } from "#libs/image-sets";

/** One record: bytes that only those who train on them know to read. */
export type LabelledRecord = {
  readonly domain: string;
  readonly class: string;
  /** What it is called within its domain: the number of its line, or the path of its file, with "/" between folders. */
  readonly name: string;
  /** What it shows, whatever its domain, where somebody says: see itemOfRow. */
  readonly item?: string | undefined;
  /** Those of a line are overwritten by the next ones. */
  readonly content: Uint8Array;
};

/** The records of one class in one domain. */
export type RecordGroup = { readonly domain: string; readonly class: string; readonly count: number; readonly bytes: number };

/** How records lie in a folder. */
export type RecordSet = {
  readonly path: string;
  /** In the order of code units. */
  readonly domains: readonly string[];
  /** Those that have records, in the order of code units or of `classes.txt`. */
  readonly classes: readonly string[];
  /** By domain, then by class. Groups without records are left out. */
  readonly groups: readonly RecordGroup[];
  /** Records that say what they show. */
  readonly withItem: number;
  /** What is wrong with the folder. An error makes the set unusable. */
  readonly problems: readonly Problem[];
  /**
   * All records, by domain, then as they lie in its file.
   * @throws ImageSetError for what cannot be read any more
   */
  records(): AsyncIterable<LabelledRecord>;
};
