import { exactMean } from "./exact-mean.ts";

/** Numbers of one member in a window. */
export type Values = Float32Array | Float64Array;

/** A linear average: Σ weights[k] · member k / divisor. `divisor` is a whole number from 1 to 2^27. */
export type LinearAverage = { readonly weights: readonly number[]; readonly divisor: number };

/** The mean of `count` models. */
export function uniformAverage(count: number): LinearAverage {
  return { weights: new Array<number>(count).fill(1), divisor: count };
}

/**
 * Averages one window: out[i] is the *exact* Σ weights[k] · members[k][i] / divisor, rounded once to float32 (to nearest, ties to even).
 * The exact value does not depend on the order of the members nor on where windows begin, so neither do the bytes.
 * Members have the length of `out` and are float32 or float64 values. Returns the index of the first number that is not finite
 * (a member is not, or the result is too large for float32), or -1.
 *
 * How: sums in f64. A sum that lost nothing is exact, and rounding its quotient first to f64 and then to float32 is as good as once:
 * a tie t of float32 has 25 bits, so t · divisor is a double, and a sum that is another double differs from it by more than 2^-53 of
 * itself; its quotient cannot round to t. Otherwise the error bound decides (Ziv's test): if both ends of the interval round to the
 * same float32, so does the exact value. What neither decides is computed in whole numbers.
 */
export function averageWindow(members: readonly Values[], { weights, divisor }: LinearAverage, out: Float32Array): number {
  const count = members.length;
  const exactProducts = hasExactProducts(members, weights);
  // Each of `count` products and sums and the division errs by at most 2^-53 of the sum of magnitudes; doubled, to be safe about the bound's own errors.
  const errorFactor = ((4 * count + 8) * 2 ** -53) / divisor;
  const values = new Float64Array(count);
  let firstBad = -1;
  for (let i = 0; i < out.length; i++) {
    let sum = weights[0]! * members[0]![i]!;
    let magnitude = Math.abs(sum);
    let lost = 0;
    for (let k = 1; k < count; k++) {
      const term = weights[k]! * members[k]![i]!;
      const next = sum + term;
      // Knuth's two-sum: what the addition lost, exactly. Magnitudes, so that losses cannot cancel.
      const part = next - sum;
      lost += Math.abs(sum - (next - part) + (term - part));
      magnitude += Math.abs(term);
      sum = next;
    }
    const mean = sum / divisor;
    const exact = exactProducts && lost === 0;
    const rounded = exact ? finite(Math.fround(mean)) : decide(mean, magnitude * errorFactor);
    if (Number.isNaN(rounded)) {
      for (let k = 0; k < count; k++) values[k] = members[k]![i]!;
      out[i] = exactMean(values, weights, divisor);
    } else {
      out[i] = rounded;
    }
    if (firstBad < 0 && !Number.isFinite(out[i])) firstBad = i;
  }
  return firstBad;
}

/** True where no product can lose a bit: by 1 nothing changes, and two numbers of 24 bits have a product of at most 48. */
function hasExactProducts(members: readonly Values[], weights: readonly number[]): boolean {
  if (weights.every((weight) => weight === 1)) return true;
  return weights.every((weight) => Math.fround(weight) === weight) && members.every((member) => member instanceof Float32Array);
}

/** The float32 of every number within `error` of `mean`; NaN if there are two, or the sign of a zero is open. */
function decide(mean: number, error: number): number {
  const low = Math.fround(mean - error);
  return low === Math.fround(mean + error) && low !== 0 ? finite(low) : Number.NaN;
}

/** Infinity is left to the exact way: it alone knows whether the result or only a step on the way was too large. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
