import { exp, ln } from "#libs/deterministic";
import type { Score } from "#libs/recipes";

/**
 * The class with the largest logit, the first one on ties.
 * @param logits [count, classes]
 * @example
 * ```ts
 * predictions(Float32Array.of(0, 2, 1, 1), 2); // Int32Array.of(1, 0)
 * ```
 */
export function predictions(logits: Float32Array, classes: number): Int32Array {
  const found = new Int32Array(logits.length / classes);
  for (let row = 0; row < found.length; row += 1) {
    let best = 0;
    for (let k = 1; k < classes; k += 1) if (logits[row * classes + k]! > logits[row * classes + best]!) best = k;
    found[row] = best;
  }
  return found;
}

/**
 * Right answers and mean cross-entropy in nats.
 * @param logits [count, classes]
 * @throws RangeError if the counts do not fit.
 * @example
 * ```ts
 * const { correct, count, loss } = score(Float32Array.of(0, 0, 0, 0), Int32Array.of(0, 1));
 * [correct, count]; // [1, 2]
 * loss === Math.LN2; // true
 * ```
 */
export function score(logits: Float32Array, labels: Int32Array): Score {
  const count = labels.length;
  const classes = logits.length / count;
  if (!Number.isInteger(classes)) throw new RangeError(`${logits.length} logits do not belong to ${count} labels`);
  const predicted = predictions(logits, classes);
  let correct = 0;
  let loss = 0;
  for (let row = 0; row < count; row += 1) {
    if (predicted[row] === labels[row]) correct += 1;
    const largest = logits[row * classes + predicted[row]!]!;
    let sum = 0;
    for (let k = 0; k < classes; k += 1) sum += exp(logits[row * classes + k]! - largest);
    loss += ln(sum) - (logits[row * classes + labels[row]!]! - largest);
  }
  return { correct, count, loss: count === 0 ? 0 : loss / count };
}
