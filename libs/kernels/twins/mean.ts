import { hasModerateWeights } from "../plan-mean.ts";
import type { ElementType, MeanArguments } from "../types.ts";
import { readElements, roundTo, writeElements } from "./elements.ts";
import { neighbour, odd, productError, sumError } from "./error-free.ts";

// Within these no step below overflows, and none loses a bit by underflow.
const LARGEST_TERM = 2 ** 500;
const SMALLEST_TERM = 2 ** -500;
const HALF_ULP = 2 ** -53;

/** The specification of `Kernels.mean`. */
export function meanTwin(memory: WebAssembly.Memory, args: MeanArguments): number {
  const { inputs, type, weights, divisor, divisorTail = 0, out, outType, count } = args;
  const columns = inputs.map((address) => readElements(memory, type, address, count));
  const undecided = new Uint32Array(memory.buffer, args.undecided, count);
  const moderate = hasModerateWeights(weights, divisor);
  const terms = new Float64Array(columns.length);
  const rounded = new Float64Array(count);
  let open = 0;
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < terms.length; k++) terms[k] = columns[k]![i]!;
    rounded[i] = moderate ? decidedMean(terms, { weights, divisor, tail: divisorTail }, outType) : Number.NaN;
    if (Number.isNaN(rounded[i])) undecided[open++] = i;
  }
  writeElements(memory, outType, out, rounded);
  return open;
}

/** Weights, and a divisor that may have a tail. */
type Mean = { readonly weights: readonly number[]; readonly divisor: number; readonly tail: number };

/**
 * A double that rounds to what the exact Σ weights[k] · values[k] / divisor rounds to, in a type; NaN if that is not proved, or not finite.
 *
 * How: the sum as a double-double with a bound of what even it lost, its quotient as another, q + tail ± error. For types of at most
 * 24 bits it is rounded to odd first: q, moved to the neighbour with a set last bit on the side where the tail lies. Rounding that again
 * is as good as once, and if the side is open, both may still round to the same.
 */
function decidedMean(values: ArrayLike<number>, { weights, divisor, tail }: Mean, type: ElementType): number {
  let sum = 0;
  let lost = 0;
  let bound = 0;
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    const term = weights[k]! * value;
    const size = Math.abs(term);
    if (!(Math.abs(value) <= LARGEST_TERM && size <= LARGEST_TERM)) return Number.NaN;
    if (size < SMALLEST_TERM && value !== 0 && weights[k] !== 0) return Number.NaN;
    const next = k === 0 ? term : sum + term;
    const error = k === 0 ? 0 : sumError(sum, term, next);
    sum = next;
    for (const part of [error, productError(weights[k]!, value, term)]) {
      const all = lost + part;
      bound += Math.abs(sumError(lost, part, all));
      lost = all;
    }
  }
  const high = sum + lost;
  const low = sumError(sum, lost, high);
  // As in IEEE 754, a sum of zeros is negative only if they all are: then `sum` is.
  if (high === 0) return bound === 0 ? (sum === 0 ? sum : 0) : Number.NaN;

  const quotient = high / divisor;
  const product = quotient * divisor;
  // Exact: the remainder of a quotient that is rounded to nearest.
  const remainder = high - product - productError(quotient, divisor, product);
  const both = remainder + low;
  const correction = quotient * tail;
  const rest = both - correction;
  const correctionLost = tail === 0 ? 0 : 2 * (Math.abs(correction) + Math.abs(rest)) * HALF_ULP;
  const restLost = Math.abs(sumError(remainder, low, both)) + correctionLost;
  const second = rest / divisor;
  const back = second * divisor;
  const isExact = tail === 0 && back === rest && productError(second, divisor, back) === 0;
  const q = quotient + second;
  const beyond = sumError(quotient, second, q);
  // Twice, for the roundings of the bound itself.
  const error = 2 * ((restLost + bound) / divisor + (isExact ? 0 : Math.abs(second) * HALF_ULP));
  const result = type === "F64" ? nearest(q, beyond, error) : toOdd(q, beyond, error, type);
  return Number.isFinite(roundTo(result, type)) ? result : Number.NaN;
}

/** q, if it is the double nearest to q + tail ± error. */
function nearest(q: number, tail: number, error: number): number {
  if (error === 0) return q;
  const step = tail > 0 === q > 0 ? 1 : -1;
  const half = Math.abs(neighbour(q, step) - q) / 2;
  return Math.abs(tail) + error < half ? q : Number.NaN;
}

/** q + tail ± error rounded to odd, or something that rounds to the same in the type. */
function toOdd(q: number, tail: number, error: number, type: ElementType): number {
  if (tail - error > 0) return odd(q, 1);
  if (tail + error < 0) return odd(q, -1);
  if (error === 0) return q;
  const above = odd(q, 1);
  return roundTo(above, type) === roundTo(odd(q, -1), type) ? above : Number.NaN;
}
