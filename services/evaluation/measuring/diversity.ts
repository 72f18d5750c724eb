import type { Measure } from "./measure.ts";
import { largestOf } from "./row.ts";

/**
 * Ratio-error diversity (Aksela 2003) of all rows, the mean over all pairs of predictions: #(exactly one of the two is wrong) / #(both are
 * wrong), with at least 1 in the denominator. Higher is more diverse.
 */
export const diversity: Measure = {
  fewest: 2,
  begin({ classes, predictions }) {
    const wrong = new Float64Array(predictions);
    /** Of i < j, at i * predictions + j. */
    const both = new Float64Array(predictions * predictions);
    return {
      add({ rows, labels, logits }) {
        for (let row = 0; row < rows; row++) {
          const mistaken: number[] = [];
          for (const [i, numbers] of logits.entries()) if (largestOf(numbers, row, classes) !== labels[row]) mistaken.push(i);
          for (const [position, i] of mistaken.entries()) {
            wrong[i]! += 1;
            for (const j of mistaken.slice(position + 1)) both[i * predictions + j]! += 1;
          }
        }
      },
      result() {
        let [sum, pairs] = [0, 0];
        for (let i = 0; i < predictions; i++) {
          for (let j = i + 1; j < predictions; j++) {
            const together = both[i * predictions + j]!;
            sum += (wrong[i]! + wrong[j]! - 2 * together) / Math.max(together, 1);
            pairs += 1;
          }
        }
        return { measure: "diversity", ratioError: sum / pairs, pairs };
      },
    };
  },
};
