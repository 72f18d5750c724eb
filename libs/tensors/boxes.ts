import { type Dtype, tensorBytes } from "./dtypes.ts";

/** Indices `begin` to `end` of a dimension, `end` not among them. */
export type Slice = { readonly begin: number; readonly end: number };

/** A part of a tensor: its shape, its bytes, and where they lie in the tensor, ascending. */
export type Box = {
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly runs: () => Iterable<{ readonly offset: number; readonly length: number }>;
};

/**
 * The box that slices cut from a tensor: one slice for each dimension from the first on; dimensions without one are whole. Its bytes lie in
 * runs, each as long as it can be.
 * @throws RangeError where there are more slices than dimensions, a slice is outside of its dimension, or a run has no whole bytes
 * @example
 * ```ts
 * const { shape, bytes, runs } = boxOf("F32", [3, 4], [{ begin: 1, end: 3 }, { begin: 0, end: 2 }]);
 * [shape, bytes]; // [[2, 2], 16]
 * [...runs()]; // [{ offset: 16, length: 8 }, { offset: 32, length: 8 }]
 * [...boxOf("F32", [3, 4], [{ begin: 1, end: 3 }]).runs()]; // [{ offset: 16, length: 32 }]
 * ```
 */
export function boxOf(dtype: Dtype, full: readonly number[], slices: readonly Slice[]): Box {
  if (slices.length > full.length) throw new RangeError(`${slices.length} slices, and it has ${full.length} dimensions`);
  const cuts = full.map((size, i): Slice => slices[i] ?? { begin: 0, end: size });
  for (const [i, { begin, end }] of cuts.entries()) {
    if (Number.isSafeInteger(begin) && Number.isSafeInteger(end) && 0 <= begin && begin <= end && end <= full[i]!) continue;
    throw new RangeError(`dimension ${i} has the indices 0 to ${full[i]}; ${begin} to ${end} lies outside`);
  }
  const shape = cuts.map(({ begin, end }) => end - begin);
  const bytes = tensorBytes(dtype, shape);
  // All dimensions behind this one are whole, so that what it has lies together.
  const last = cuts.findLastIndex(({ begin, end }, i) => end - begin < full[i]! || begin > 0);
  const length = tensorBytes(dtype, shape.slice(Math.max(last, 0)));
  const strides = full.map((_, i) => (i <= last ? tensorBytes(dtype, full.slice(i + 1)) : 0));
  return {
    shape,
    bytes,
    *runs() {
      if (bytes === 0) return;
      const index = cuts.slice(0, last + 1).map(({ begin }) => begin);
      for (;;) {
        yield { offset: index.reduce((sum, at, i) => sum + at * strides[i]!, 0), length };
        // The next place, as an odometer counts; the dimension of the run itself stays.
        let i = last - 1;
        for (; i >= 0; i--) {
          index[i]! += 1;
          if (index[i]! < cuts[i]!.end) break;
          index[i] = cuts[i]!.begin;
        }
        if (i < 0) return;
      }
    },
  };
}
