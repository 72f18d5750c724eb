import type { Paper } from "../../method.ts";

export const ROBUST_PAPER: Paper = {
  authors: "Yin et al.",
  year: 2018,
  title: "Byzantine-robust distributed learning: towards optimal statistical rates",
  link: "https://arxiv.org/abs/1803.01498",
};

/** Sorts a few numbers in place: by insertion, which is fastest for few. NaN goes nowhere in particular. */
export function sortFew(values: Float64Array): void {
  if (values.length > 32) {
    values.sort();
    return;
  }
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    let j = i - 1;
    for (; j >= 0 && values[j]! > value; j--) values[j + 1] = values[j]!;
    values[j + 1] = value;
  }
}

/** The mean of sorted values without so many at each end. */
export function meanWithout(sorted: Float64Array, trimmed: number): number {
  const end = sorted.length - trimmed;
  let total = 0;
  for (let k = trimmed; k < end; k++) total += sorted[k]!;
  return total / (end - trimmed);
}
