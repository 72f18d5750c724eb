import type { Program, Range, Reduction } from "../../method.ts";

type ColumnTask = {
  readonly shape: readonly number[];
  readonly of: "models" | "differences";
  readonly models: number;
  /** From the dot products of one column's vectors to the coefficients of the models. */
  readonly coefficients: (gram: Float64Array) => readonly number[];
};

/**
 * As a program of kind gram, for vectors along the first dimension: elements that are as far apart as the other dimensions are large.
 * Dot products are summed in f64 along the vector, block by block.
 */
export function columnProgram({ shape, of, models, coefficients }: ColumnTask): Program {
  const columns = shape.slice(1).reduce((product, dimension) => product * dimension, 1);
  const pairs = models * models;
  const dots: Reduction = {
    order: "blocks",
    scope: "tensor",
    block(range: Range) {
      const sums = new Float64Array(columns * pairs);
      for (let e = 0; e < range.count; e++) {
        const at = ((range.first + e) % columns) * pairs;
        for (let i = 0; i < models; i++) {
          for (let j = 0; j < models; j++) sums[at + i * models + j]! += range.models[i]![e]! * range.models[j]![e]!;
        }
      }
      return sums;
    },
    merge(a: Float64Array, b: Float64Array) {
      for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
      return a;
    },
    finish(total: Float64Array) {
      const found = new Float64Array(columns * models);
      for (let c = 0; c < columns; c++) found.set(coefficients(total.subarray(c * pairs, (c + 1) * pairs)), c * models);
      return found;
    },
  };
  return {
    kind: "ranges",
    of,
    reductions: [dots],
    apply(range, [found], out) {
      const scale = found as Float64Array;
      for (let e = 0; e < range.count; e++) {
        const at = ((range.first + e) % columns) * models;
        let sum = of === "differences" ? range.base![e]! : 0;
        for (let k = 0; k < models; k++) sum += scale[at + k]! * range.models[k]![e]!;
        out[e] = sum;
      }
    },
  };
}
