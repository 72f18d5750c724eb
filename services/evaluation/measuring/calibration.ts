import * as v from "valibot";
import { exp } from "#libs/deterministic";
import type { Calibration, ConfidenceBin } from "#libs/recipes";
import { FINE_BINS, ofEqualMass } from "./equal-mass.ts";
import type { Measure } from "./measure.ts";
import { largestOf, logSumExp } from "./row.ts";

const USUAL_BINS = 15;

/**
 * How much the confidences of each prediction are worth, by domain and of all rows. Confidence is the largest probability of a row.
 * - `ece`: the expected calibration error (Guo et al. 2017, arXiv:1706.04599), Σ n_b / n · |accuracy_b − confidence_b| over `bins` of equal
 *   width, 15 unless the options say another number; bin b has the confidences above b / bins, up to (b + 1) / bins. With the option
 *   `{"mass": "equal"}` the adaptive one (Nguyen and O'Connor 2015, arXiv:1508.05154): bins of as many rows each, by confidence.
 * - `brier`: the mean over rows of Σ_k (p_k − [k is the label])² (Brier 1950).
 */
export const calibration: Measure = {
  fewest: 1,
  options: v.strictObject({
    bins: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(1000),
        v.notValue(USUAL_BINS, `expected another number than ${USUAL_BINS}, which is the default and not written`),
      ),
    ),
    mass: v.optional(v.literal("equal", 'expected "equal"; bins of equal width are the default and not written')),
  }),
  begin({ classes, domains, predictions }, { bins = USUAL_BINS, mass }) {
    const fine = mass === undefined ? Number(bins) : FINE_BINS;
    const all = Array.from({ length: predictions }, () => domains.map(() => createBins(fine)));
    const binsOf = (parts: Parts) => (mass === undefined ? filledBins(parts) : ofEqualMass(filledBins(parts), Number(bins)));
    const calibrationOf = (parts: Parts): Calibration => {
      const [rows, found] = [countOf(parts), binsOf(parts)];
      const ece = found.reduce((sum, { count, confidence, accuracy }) => sum + (count / rows) * Math.abs(accuracy - confidence), 0);
      return { ece, brier: total(parts, ({ brier }) => brier) / rows };
    };
    return {
      add({ rows, labels, domains: of, logits }) {
        for (const [i, numbers] of logits.entries()) {
          for (let row = 0; row < rows; row++) addRow(all[i]![of[row]!]!, numbers, { row, classes, label: labels[row]! });
        }
      },
      result: () => ({
        measure: "calibration",
        predictions: all.map((own) => ({
          ...calibrationOf(own),
          bins: binsOf(own),
          domains: own.flatMap((sums, d) => (countOf([sums]) > 0 ? [{ domain: domains[d]!, ...calibrationOf([sums]) }] : [])),
        })),
      }),
    };
  },
};

type Bins = { readonly counts: Float64Array; readonly confidences: Float64Array; readonly right: Float64Array; brier: number };

function createBins(width: number): Bins {
  const zeros = () => new Float64Array(width);
  return { counts: zeros(), confidences: zeros(), right: zeros(), brier: 0 };
}

function addRow(sums: Bins, logits: Float32Array, at: { readonly row: number; readonly classes: number; readonly label: number }): void {
  const { row, classes, label } = at;
  const answer = largestOf(logits, row, classes);
  const sum = logSumExp(logits, row, classes, answer);
  for (let k = 0; k < classes; k++) {
    const difference = exp(logits[row * classes + k]! - sum) - Number(k === label);
    sums.brier += difference * difference;
  }
  const confidence = Math.min(1, exp(logits[row * classes + answer]! - sum));
  const bin = Math.ceil(confidence * sums.counts.length) - 1;
  sums.counts[bin]! += 1;
  sums.confidences[bin]! += confidence;
  sums.right[bin]! += Number(answer === label);
}

type Parts = readonly Bins[];

const total = (parts: Parts, number: (part: Bins) => number) => parts.reduce((sum, part) => sum + number(part), 0);
const countOf = (parts: Parts) => total(parts, ({ counts }) => counts.reduce((sum, count) => sum + count, 0));

function filledBins(parts: Parts): ConfidenceBin[] {
  const bins = Array.from(parts[0]!.counts, (_, bin) => {
    const count = total(parts, ({ counts }) => counts[bin]!);
    const confidence = total(parts, ({ confidences }) => confidences[bin]!) / count;
    return { bin, count, confidence, accuracy: total(parts, ({ right }) => right[bin]!) / count };
  });
  return bins.filter(({ count }) => count > 0);
}
