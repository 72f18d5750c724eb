import { createScoreTally } from "./domain-scores.ts";
import type { Measure } from "./measure.ts";
import { largestOf, logSumExp } from "./row.ts";

/** Right answers and mean cross-entropy of each prediction: by domain, of all rows, and the mean of the domains. */
export const accuracy: Measure = {
  fewest: 1,
  begin({ classes, domains, predictions }) {
    const tallies = Array.from({ length: predictions }, () => createScoreTally(domains));
    return {
      add({ rows, labels, domains: of, logits }) {
        for (const [i, numbers] of logits.entries()) {
          for (let row = 0; row < rows; row++) {
            const label = labels[row]!;
            const answer = largestOf(numbers, row, classes);
            const loss = logSumExp(numbers, row, classes, answer) - numbers[row * classes + label]!;
            tallies[i]!.add(of[row]!, answer === label, loss);
          }
        }
      },
      result: () => ({ measure: "accuracy", predictions: tallies.map((tally) => tally.result()) }),
    };
  },
};
