import type { Difference } from "./report.ts";
import { counted } from "./words.ts";

/** Seeds below which nothing is called decided: a standard error from fewer says little about itself. */
export const SEEDS_TO_DECIDE = 5;
/** A difference that is smaller than this (one point) is called none. */
export const TIE_RESOLUTION = 0.01;

/** From so many seeds on two standard errors are enough. */
const MANY_SEEDS = 10;
/** Quantiles at 0.975 of Student's t distribution with 4 to 8 degrees of freedom (5 to 9 seeds). Any table of it has them. */
const QUANTILES = [2.776, 2.571, 2.447, 2.365, 2.306];

/**
 * What a paired difference a - b allows to say, by its margin (`errorsToDecide` standard errors).
 * `better`, `worse`: further from zero than the margin. `tie`: not decided, and everything within the margin is smaller than one point.
 * `open`: neither. `few-seeds`: fewer than five seeds.
 */
export type Verdict = "better" | "worse" | "tie" | "open" | "few-seeds";

/**
 * How many standard errors a margin has. Two for ten or more seeds: the truth is within them 92 % of the time with ten seeds, 95 % with
 * many. For fewer the quantile of the t distribution that makes it 95 %, because so few seeds tell little about their own spread.
 */
export function errorsToDecide(seeds: number): number {
  return seeds >= MANY_SEEDS ? 2 : (QUANTILES[seeds - SEEDS_TO_DECIDE] ?? Number.POSITIVE_INFINITY);
}

/**
 * Judges a paired difference; see `Verdict` for the rules.
 * @example
 * ```ts
 * judge({ mean: 0.03, sem: 0.01, seeds: 10 }); // "better"
 * judge({ mean: 0.03, sem: 0.02, seeds: 10 }); // "open"
 * judge({ mean: 0.001, sem: 0.002, seeds: 10 }); // "tie"
 * judge({ mean: 0.3, sem: 0.01, seeds: 4 }); // "few-seeds"
 * ```
 */
export function judge({ mean, sem, seeds }: Pick<Difference, "mean" | "sem" | "seeds">): Verdict {
  if (seeds < SEEDS_TO_DECIDE || sem === null) return "few-seeds";
  const margin = errorsToDecide(seeds) * sem;
  if (Math.abs(mean) > margin) return mean > 0 ? "better" : "worse";
  return Math.abs(mean) + margin <= TIE_RESOLUTION ? "tie" : "open";
}

/** The rules of `judge` for readers of a run of so many seeds, in a few sentences. */
export function verdictRule(seeds: number): string {
  if (seeds < SEEDS_TO_DECIDE) return `Below ${counted(SEEDS_TO_DECIDE, "seed")} nothing is called decided.`;
  const errors = errorsToDecide(seeds);
  const margin = errors === 2 ? "two standard errors" : `${errors.toFixed(1)} standard errors`;
  const chance = errors === 2 ? "up to one in thirteen" : "one in twenty";
  return `A difference is decided where it is more than ${margin} from zero, and “no difference” where it is, with the same margin, within one point of zero. Each is judged by itself: of methods that do not differ, ${chance} would look decided.`;
}
