import type { ConfidenceBin } from "#libs/recipes";

/**
 * Bins of equal width that rows are counted in before their confidences have an order: rows in one of them count as equally confident, which
 * moves no bin's edge by more than 1/32768. So memory does not grow with the rows.
 */
export const FINE_BINS = 1 << 15;

/**
 * Bins of as many rows each, the first of them of one more where they cannot be equal, as numpy.array_split deals out. Rows of one fine
 * bin that go to two bins do so with the mean of them all.
 * @param fine those that have rows, by confidence, ascending
 * @example
 * ```ts
 * const fine = [0.5, 0.7, 0.9].map((confidence, bin) => ({ bin, count: 2, confidence, accuracy: bin / 2 }));
 * ofEqualMass(fine, 2).map(({ count, confidence }) => [count, confidence.toFixed(3)]); // [[3, "0.567"], [3, "0.833"]]
 * ```
 */
export function ofEqualMass(fine: readonly ConfidenceBin[], bins: number): ConfidenceBin[] {
  const rows = fine.reduce((sum, { count }) => sum + count, 0);
  const most = Math.min(bins, rows);
  let place = 0;
  let left = fine[0]?.count ?? 0;
  return Array.from({ length: most }, (_, bin) => {
    const count = Math.floor(rows / most) + Number(bin < rows % most);
    let [confidence, right] = [0, 0];
    for (let missing = count; missing > 0; ) {
      if (left === 0) left = fine[++place]!.count;
      const taken = Math.min(missing, left);
      confidence += taken * fine[place]!.confidence;
      right += taken * fine[place]!.accuracy;
      missing -= taken;
      left -= taken;
    }
    return { bin, count, confidence: confidence / count, accuracy: right / count };
  });
}
