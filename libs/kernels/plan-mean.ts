import { exactWeight, exponentOf, lowestBit, SIGNIFICAND, significantBits } from "./exact-weight.ts";
import type { ElementType } from "./types.ts";

/**
 * How a mean is computed. `weights` and `divisor` are multiples of what was given by one power of two, which changes no quotient.
 * spread: sums that lose nothing where the exponents of the terms differ by at most `far` in f64, or `near` in f32 (if it is not negative).
 * rough: sums whose error is at most `loss` times the largest element.
 * bounds: sums with a bound of what they lose.
 * open: nothing can be decided.
 */
export type MeanPlan =
  | { readonly way: "spread"; readonly weights: readonly number[]; readonly divisor: number; readonly near: number; readonly far: number }
  | { readonly way: "rough"; readonly weights: readonly number[]; readonly divisor: number; readonly loss: number }
  | {
      readonly way: "bounds";
      readonly weights: readonly number[];
      readonly divisor: number;
      readonly productLoss: number;
      readonly exactDivision: boolean;
    }
  | { readonly way: "open" };

// Within these, no step of a decision overflows or loses a bit by underflow: see twins/mean.ts.
const LARGEST_WEIGHT = 2 ** 200;
const LARGEST_DIVISOR = 2 ** 60;
/** Bits that the divisor may have, so that a tie times it is a double: 53 less the 25 of a tie of f32. */
const DIVISOR_BITS = 28;
/** The same in f32, less the bits of a tie of the output; up to this, no quotient comes near the subnormal numbers of f32. */
const LARGEST_NEAR_DIVISOR = 4096;
const NEAR_DIVISOR_BITS = { F32: 24, F16: 12, BF16: 15 } as const;
/** Fewer exponents than this make the detour by f32 not worth it. */
const LEAST_NEAR = 4;

/** `planMean` that need not think again where a call is as the one before: one merge makes thousands that are. */
export function rememberPlan(): typeof planMean {
  let last: { readonly plan: MeanPlan; readonly weights: readonly number[]; readonly rest: readonly unknown[] } | undefined;
  return (weights, ...rest) => {
    if (last !== undefined && areEqual(last.weights, weights) && areEqual(last.rest, rest)) return last.plan;
    const plan = planMean(weights, ...rest);
    last = { plan, weights: [...weights], rest };
    return plan;
  };
}

function areEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Chooses from what a call has in common for all elements. `divisor` is positive. */
function planMean(weights: readonly number[], divisor: number, tail: number, type: ElementType, outType: ElementType): MeanPlan {
  if (!hasModerateWeights(weights, divisor)) return { way: "open" };
  const used = weights.filter((weight) => weight !== 0);
  const unit = used.length === 0 ? 0 : Math.min(...used.map(lowestBit));
  const multiples = weights.map((weight) => weight / 2 ** unit);
  const total = multiples.reduce((sum, multiple) => sum + Math.abs(multiple), 0);
  const by = divisor / 2 ** unit;
  const isWhole = total < 2 ** 50 && by >= 1 / LARGEST_DIVISOR && by <= LARGEST_DIVISOR;
  const exactDivision = isWhole && tail === 0 && significantBits(by) <= DIVISOR_BITS;
  // All terms and sums are whole multiples, below 2^53, of the last bit of the smallest element.
  const bits = total <= 1 ? 0 : exponentOf(total) + (total === 2 ** exponentOf(total) ? 0 : 1);
  const far = 53 - SIGNIFICAND[type] - bits;
  if (exactDivision && far >= 1 && type !== "F64") {
    return { way: "spread", weights: multiples, divisor: by, near: nearSpread(bits, by, type, outType), far };
  }
  const exactProducts = used.every((weight) => exactWeight(weight, type));
  if (!exactProducts && type !== "F64") {
    // A product, each sum, the quotient and the ends of its interval err by at most 2^-53 of what they are; with a tail, once more. And all that twice.
    const size = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    return { way: "rough", weights, divisor, loss: (size / divisor) * (weights.length + 6) * 2 ** -52 };
  }
  const productLoss = exactProducts ? 0 : 2 ** -52;
  if (isWhole) return { way: "bounds", weights: multiples, divisor: by, productLoss, exactDivision };
  return { way: "bounds", weights, divisor, productLoss, exactDivision: false };
}

/** By how much exponents may differ for sums in f32 that lose nothing, and quotients in f32 that round as they should; -1 if there are none. */
function nearSpread(bits: number, divisor: number, type: ElementType, outType: ElementType): number {
  if (type === "F32" || outType === "F64") return -1;
  const near = 24 - SIGNIFICAND[type] - bits;
  const divides = Number.isInteger(divisor) && divisor <= LARGEST_NEAR_DIVISOR && significantBits(divisor) <= NEAR_DIVISOR_BITS[outType];
  return divides && near >= LEAST_NEAR ? near : -1;
}

/** False where `mean` decides nothing: such weights are left to whole numbers altogether. */
export function hasModerateWeights(weights: readonly number[], divisor: number): boolean {
  const isModerate = (value: number, largest: number) => Math.abs(value) <= largest && Math.abs(value) >= 1 / largest;
  return weights.every((weight) => weight === 0 || isModerate(weight, LARGEST_WEIGHT)) && isModerate(divisor, LARGEST_DIVISOR);
}
