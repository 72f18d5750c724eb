import { fromJson, toJson } from "./plain-json.ts";

/**
 * What a journal says, line by line. Each line is written after what it speaks of is safe on the disk, so any prefix of a journal is true.
 * plan: first line; another plan, or another way to cut it, is another merge. owner: a process that works on it. done: units that are
 * written, from and to inclusive. total: what a reduction over the whole model gave. publish: all is written; outputs have these digests
 * and are getting their names.
 */
export type JournalEntry =
  | { readonly plan: string; readonly units: number; readonly version: number }
  | { readonly owner: Owner }
  | { readonly done: readonly (readonly [number, number])[] }
  | { readonly total: string; readonly value: unknown }
  | { readonly publish: readonly string[] };

/** A process, for people who look: what keeps two from one merge is a lock. Earlier versions wrote when it began, too. */
export type Owner = { readonly pid: number };

/** What is known from a journal. */
export type Journalled = {
  readonly done: ReadonlySet<number>;
  readonly totals: ReadonlyMap<string, unknown>;
  readonly publish: readonly string[] | undefined;
};

/** Of how merges are cut into units and what journals look like. A journal of another version is not gone on with. */
const JOURNAL_VERSION = 1;

/** One line, with its end. */
export function encodeEntry(entry: JournalEntry): string {
  return `${toJson(entry)}\n`;
}

/** The first line of a journal. */
export function firstEntry(key: string, units: number): JournalEntry {
  return { plan: key, units, version: JOURNAL_VERSION };
}

/**
 * Reads a journal. A last line that was cut off is as good as not written. Undefined where it is not of this plan, or makes no sense.
 */
export function parseJournal(text: string, key: string, units: number): Journalled | undefined {
  const entries = entriesOf(text);
  const [first, ...rest] = entries;
  if (first === undefined || !("plan" in first) || first.plan !== key || first.units !== units || first.version !== JOURNAL_VERSION)
    return undefined;
  const done = new Set<number>();
  const totals = new Map<string, unknown>();
  let publish: readonly string[] | undefined;
  for (const entry of rest) {
    if ("done" in entry) for (const [from, to] of entry.done) for (let unit = from; unit <= to; unit++) done.add(unit);
    if ("total" in entry) totals.set(entry.total, entry.value);
    if ("publish" in entry) publish = entry.publish;
  }
  return { done, totals, publish };
}

/** The process that a journal names last, whatever it is of. */
export function ownerIn(text: string): Owner | undefined {
  return entriesOf(text).findLast((entry) => "owner" in entry)?.owner;
}

function entriesOf(text: string): JournalEntry[] {
  const entries: JournalEntry[] = [];
  // What follows the last end of line is cut off.
  for (const line of text.split("\n").slice(0, -1)) {
    try {
      const entry = fromJson(line);
      if (typeof entry === "object" && entry !== null) entries.push(entry as JournalEntry);
    } catch {
      break;
    }
  }
  return entries;
}

/** Numbers as ranges, ascending. */
export function toRanges(numbers: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
