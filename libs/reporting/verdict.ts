import type { Difference } from "./report.ts";

/** Seeds below which nothing is called decided: a standard error from fewer says little about itself. */
export const SEEDS_TO_DECIDE = 5;
/** A difference is decided when it is further from zero than so many standard errors. */
export const ERRORS_TO_DECIDE = 2;
/** "No difference" is said only where a difference of this size (one point) would have shown. */
export const TIE_RESOLUTION = 0.01;

/**
 * What a paired difference a - b allows to say.
 * `better`, `worse`: more than two standard errors from zero over five or more seeds. `tie`: not decided although two standard errors are
 * at most one point. `open`: not decided, and too imprecise to call it a tie. `few-seeds`: fewer than five seeds.
 */
export type Verdict = "better" | "worse" | "tie" | "open" | "few-seeds";

/** Judges a paired difference; see `Verdict` for the rules. */
export function judge({ mean, sem, seeds }: Pick<Difference, "mean" | "sem" | "seeds">): Verdict {
  if (seeds < SEEDS_TO_DECIDE || sem === null) return "few-seeds";
  const margin = ERRORS_TO_DECIDE * sem;
  if (Math.abs(mean) > margin) return mean > 0 ? "better" : "worse";
  return margin <= TIE_RESOLUTION ? "tie" : "open";
}
