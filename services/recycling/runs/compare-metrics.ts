/** One number that two runs of a recipe say of their result. */
export type ComparedMetric = {
  readonly name: string;
  readonly expected: number;
  /** NaN where the second run does not say it. */
  readonly actual: number;
  /** How far they may be apart. */
  readonly tolerance: number;
  readonly same: boolean;
};

/**
 * Accuracies may be two points of a hundred apart, losses a tenth of the one that is expected, or a hundredth where that is more: other
 * engines round otherwise, at each step, and a tenth of nearly nothing is less than that.
 */
const ACCURACY_TOLERANCE = 0.02;
const LOSS_TOLERANCE = 0.1;
const LEAST_LOSS_TOLERANCE = 0.01;

const lossTolerance = (expected: number) => Math.max(LEAST_LOSS_TOLERANCE, LOSS_TOLERANCE * Math.abs(expected));

/** Numbers of a summary that say how well it went, and how far apart they may be. Others (steps, the best of them) say how it came about. */
const toleranceOf: { readonly [name: string]: (expected: number) => number } = {
  accuracy: () => ACCURACY_TOLERANCE,
  validationAccuracy: () => ACCURACY_TOLERANCE,
  loss: lossTolerance,
  finalLoss: lossTolerance,
};

/**
 * Compares what two results of an approximate recipe say of themselves. Empty where the first says nothing that can be compared.
 * @example
 * ```ts
 * const [accuracy, loss] = compareMetrics({ validationAccuracy: 0.9, finalLoss: 0.2, steps: 300 }, { validationAccuracy: 0.91, finalLoss: 0.5 });
 * [accuracy?.name, accuracy?.same]; // ["validationAccuracy", true]
 * [loss?.tolerance, loss?.same]; // [0.020000000000000004, false]
 * ```
 */
export function compareMetrics(
  expected: { readonly [name: string]: unknown },
  actual: { readonly [name: string]: unknown },
): readonly ComparedMetric[] {
  return Object.entries(toleranceOf).flatMap(([name, tolerated]) => {
    const value = expected[name];
    if (typeof value !== "number") return [];
    const found = typeof actual[name] === "number" ? actual[name] : Number.NaN;
    const tolerance = tolerated(value);
    return [{ name, expected: value, actual: found, tolerance, same: Math.abs(found - value) <= tolerance }];
  });
}
