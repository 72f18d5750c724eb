import { sumInUnits, toUnits } from "./exact-mean.ts";

/** The divisor of a mean between two doubles above zero: `low` is `high` where it is a double. `weights` go with it. */
export type Division = { readonly weights: readonly number[]; readonly low: number; readonly high: number };

/**
 * Weights with a divisor above zero: where it is below, both change their sign. The exact sum of weights need not be a double; then it
 * lies between two neighbours. Throws RangeError where the divisor is zero or not finite.
 */
export function divisionOf(weights: readonly number[], divisor: number | "sum"): Division {
  if (divisor !== "sum") {
    if (divisor === 0 || !Number.isFinite(divisor)) throw new RangeError(`the divisor of a mean is ${divisor}`);
    if (divisor < 0) return divisionOf(weights.map(negate), -divisor);
    return { weights, low: divisor, high: divisor };
  }
  const exact = sumInUnits(weights);
  if (exact === 0n) throw new RangeError("the weights of a mean sum to zero");
  if (exact < 0n) return divisionOf(weights.map(negate), "sum");
  const near = weights.reduce((sum, weight) => sum + weight, 0);
  let low = near;
  while (toUnits(low) > exact) low = neighbour(low, -1);
  while (toUnits(neighbour(low, 1)) <= exact) low = neighbour(low, 1);
  return { weights, low, high: toUnits(low) === exact ? low : neighbour(low, 1) };
}

const negate = (weight: number) => -weight;

const word = new DataView(new ArrayBuffer(8));

/** The next double above (1) or below (-1) a positive one. */
function neighbour(value: number, direction: 1 | -1): number {
  word.setFloat64(0, value);
  word.setBigUint64(0, word.getBigUint64(0) + BigInt(direction));
  return word.getFloat64(0);
}
