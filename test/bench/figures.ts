/** One number of a benchmark: the median over its runs, and the bound that it should keep. */
export type Figure = {
  readonly name: string;
  readonly unit: string;
  /** One value for each run. */
  readonly runs: readonly number[];
  readonly atMost?: number;
  readonly atLeast?: number;
};

/** The middle value; the mean of the two middle ones where there are two. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest value that at least this share of the values does not exceed. NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Whether the median keeps the bound; undefined where there is none. */
export function keepsBound({ runs, atMost, atLeast }: Figure): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  const value = median(runs);
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY);
}

/** A table for people: name, median, range, bound. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [figure.name, `${short(median(figure.runs))} ${figure.unit}`, range(figure), bound(figure)]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function range({ runs }: Figure): string {
  return runs.length < 2 ? "" : `(${short(Math.min(...runs))} to ${short(Math.max(...runs))}, ${runs.length} runs)`;
}

function bound(figure: Figure): string {
  const kept = keepsBound(figure);
  if (kept === undefined) return "";
  const wanted = figure.atMost === undefined ? `≥ ${figure.atLeast}` : `≤ ${figure.atMost}`;
  return `${kept ? "ok" : "NOT MET"}: ${wanted} ${figure.unit}`.trimEnd();
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
