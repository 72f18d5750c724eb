import type { Split } from "#libs/splits";

/** What an index says of the rows of a data set. */
export type Rows = {
  readonly domains: readonly string[];
  /** [rows], places in `domains`. */
  readonly domain: Int32Array;
  /** [rows] */
  readonly class: Int32Array;
};

/** Rows of a data set, ascending, and the place of each one's domain in a recipe's list. */
export type Wanted = { readonly rows: Int32Array; readonly domains: Int32Array };

/**
 * The rows that a prediction is of: those of some domains, or a part of them that a split names. Undefined where the data set has no such
 * domain or the split no such part: then the recipe is at fault, and not who ran it.
 */
export function wantedRows(
  data: Rows,
  domains: readonly string[],
  part: "all" | "training" | "validation" | "test",
  split: Split | undefined,
): Wanted | undefined {
  const places = domains.map((name) => data.domains.indexOf(name));
  if (places.includes(-1)) return undefined;
  const placeOfRow = new Int32Array(data.domain.length).fill(-1);
  for (const [place, own] of places.entries()) {
    if (part === "all") {
      for (const [row, domain] of data.domain.entries()) if (domain === own) placeOfRow[row] = place;
      continue;
    }
    const rows = split?.[own]?.[part];
    if (!rows) return undefined;
    for (const row of rows) placeOfRow[row] = place;
  }
  const rows = Int32Array.from(placeOfRow.keys()).filter((row) => placeOfRow[row]! >= 0);
  return { rows, domains: rows.map((row) => placeOfRow[row]!) };
}

/** What is wrong with a split of a data set, as a sentence; undefined where nothing is. */
export function unfitSplit(split: Split, data: Rows): string | undefined {
  if (split.length !== data.domains.length) return `the split is of ${split.length} domains; the data set has ${data.domains.length}`;
  const seen = new Uint8Array(data.domain.length);
  for (const [place, { domain, ...parts }] of split.entries()) {
    if (domain !== data.domains[place])
      return `domain ${place} of the split is ${JSON.stringify(domain)}; in the data set it is ${JSON.stringify(data.domains[place])}`;
    for (const [part, rows] of Object.entries(parts)) {
      for (const row of rows) {
        if (data.domain[row] !== place) return `tensor ${part}.${place} has the row ${row}, which is none of its domain`;
        if (seen[row]) return `tensor ${part}.${place} has the row ${row}, which is in the split twice`;
        seen[row] = 1;
      }
    }
  }
  return undefined;
}
