import { exp, ln } from "#libs/deterministic";

/** Where the largest number of a row is, the first one on ties. Rows are `classes` long; `row` counts them. */
export function largestOf(numbers: Float32Array | Float64Array, row: number, classes: number): number {
  const start = row * classes;
  let best = 0;
  for (let k = 1; k < classes; k++) if (numbers[start + k]! > numbers[start + best]!) best = k;
  return best;
}

/** ln Σ exp(z) of a row, in f64 with the deterministic functions; `largest` is where its largest number is. */
export function logSumExp(logits: Float32Array | Float64Array, row: number, classes: number, largest: number): number {
  const start = row * classes;
  const most = logits[start + largest]!;
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += exp(logits[start + k]! - most);
  return most + ln(sum);
}
