import * as v from "valibot";
import { exp, ln } from "#libs/deterministic";
import { createScoreTally } from "./domain-scores.ts";
import type { Measure } from "./measure.ts";
import { largestOf, logSumExp } from "./row.ts";

/**
 * The score of all predictions together: of the mean of their probabilities (softmax), or with `{"mean": "logits"}` of the softmax of their
 * mean logits. All in f64, summed in the order of the recipe.
 */
export const ensemble: Measure = {
  fewest: 1,
  options: v.strictObject({ mean: v.optional(v.literal("logits", 'expected "logits"; probabilities are the default and not written')) }),
  begin({ classes, domains, predictions }, { mean }) {
    const tally = createScoreTally(domains);
    const probabilities = mean === undefined;
    const mixed = new Float64Array(classes);
    return {
      add({ rows, labels, domains: of, logits }) {
        for (let row = 0; row < rows; row++) {
          const label = labels[row]!;
          mixed.fill(0);
          const sums = probabilities ? logits.map((numbers) => logSumExp(numbers, row, classes, largestOf(numbers, row, classes))) : [];
          for (const [i, numbers] of logits.entries()) {
            for (let k = 0; k < classes; k++) {
              const logit = numbers[row * classes + k]!;
              mixed[k]! += (probabilities ? exp(logit - sums[i]!) : logit) / predictions;
            }
          }
          const answer = largestOf(mixed, 0, classes);
          const loss = probabilities
            ? lossOfMean(logits.map((numbers, i) => numbers[row * classes + label]! - sums[i]!))
            : logSumExp(mixed, 0, classes, answer) - mixed[label]!;
          tally.add(of[row]!, answer === label, loss);
        }
      },
      result: () => ({ measure: "ensemble", ...tally.result() }),
    };
  },
};

/** −ln of the mean of probabilities whose logarithms these are: finite where the probabilities themselves are too small for a number. */
function lossOfMean(logarithms: readonly number[]): number {
  const most = Math.max(...logarithms);
  const sum = logarithms.reduce((total, logarithm) => total + exp(logarithm - most), 0);
  return ln(logarithms.length) - most - ln(sum);
}
