import { exp, ln } from "#libs/deterministic";
import type { Method, Program, Range, Reduction, Values } from "../method.ts";
import { inline } from "./shared/inline.ts";
import { floatOf } from "./shared/patterns.ts";
import { type Cut, cutsOf, selectLargest } from "./shared/select.ts";

/**
 * Arcee 2024: only the important changes are fused. Importance is the size of a change times the divergence between the rows it is in, each
 * row (last dimension) taken as a distribution. Quartiles are those of all numbers; mergekit draws a sample of larger tensors.
 */
export const arceeFusion: Method = {
  name: "arcee_fusion",
  title: "Arcee Fusion",
  summary: "The base, with those changes of the other model whose importance stands out.",
  formula:
    "θ = θ_0 + τ ⊙ [I ≥ med I + 1.5 (Q₃−Q₁)],  I = |τ| · KL(p+ε ‖ q+ε) of its row,  p = softmax θ_1, q = softmax θ_0, ε = 1e-8;  Q₁, med, Q₃ of I",
  paper: { authors: "Arcee", year: 2024, title: "Arcee Fusion", link: "https://arcee.ai" },
  parameters: [],
  base: "required",
  models: { min: 1, max: 1 },
  program({ shape }): Program {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    const row = Math.max(1, shape.at(-1) ?? 1);
    const rows = elements / row;
    const at = 2;
    const keys = (range: Range, _: number, results: readonly unknown[]) => importance(range, row, results[1] as Float64Array);
    const selection = {
      elements,
      streams: 1,
      cuts: QUARTILES.length,
      at,
      keys,
      // The number at index j in ascending order is the (n−j)-th largest.
      wanted: (_: number, all: number) => QUARTILES.map((part) => all - Math.floor(part * (all - 1))),
    };
    const [high, low] = selectLargest(selection);
    return inline(
      {
        kind: "ranges",
        of: "models",
        reductions: [softmaxSums(row, rows), divergences(row, rows), high!, low!],
        apply(range, results, out) {
          const threshold = thresholdOf(cutsOf(results, { at }));
          const scores = keys(range, 0, results);
          const model = range.models[0]!;
          for (let i = 0; i < range.count; i++) out[i] = scores[i]! >= threshold ? model[i]! : range.base![i]!;
        },
      },
      elements,
    );
  },
};

const QUARTILES = [0.25, 0.5, 0.75];
const EPSILON = 1e-8;

/** A cut keeps what is above `bits`, and all that are equal to the number that was looked for: that number is the next one. */
function thresholdOf(cuts: readonly Cut[]): number {
  const [first, middle, third] = cuts.map(({ bits }) => floatOf(bits + 1)) as [number, number, number];
  return middle + 1.5 * (third - first);
}

/** The importance of each number, as floats. */
function importance({ first, count, models, base }: Range, row: number, divergence: Float64Array): Float32Array {
  const model = models[0]!;
  return Float32Array.from({ length: count }, (_, i) => Math.abs(model[i]! - base![i]!) * divergence[Math.floor((first + i) / row)]!);
}

/** For each row: the largest number and Σ exp(x − largest), of the model and of the base. */
type Softmax = { readonly row: number; readonly model: [number, number]; readonly base: [number, number] };

/** Parts of rows are joined at the ends of blocks, where a row may go on. */
function softmaxSums(row: number, rows: number): Reduction {
  return {
    order: "blocks",
    scope: "tensor",
    block: ({ first, count, models, base }: Range): Softmax[] =>
      rowsIn(first, count, row).map(({ index, from, to }) => ({
        row: index,
        model: exponentials(models[0]!, from, to),
        base: exponentials(base!, from, to),
      })),
    merge(a: Softmax[], b: Softmax[]) {
      const last = a.at(-1);
      const next = b[0];
      if (last === undefined || next?.row !== last.row) return [...a, ...b];
      const joined = { row: last.row, model: joinedSums(last.model, next.model), base: joinedSums(last.base, next.base) };
      return [...a.slice(0, -1), joined, ...b.slice(1)];
    },
    finish(total: Softmax[]) {
      const sums = new Float64Array(rows * 4);
      for (const { row: index, model, base } of total) sums.set([...model, ...base], index * 4);
      return sums;
    },
  };
}

function exponentials(values: Values, from: number, to: number): [number, number] {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) largest = Math.max(largest, values[i]!);
  let sum = 0;
  for (let i = from; i < to; i++) sum += exp(values[i]! - largest);
  return [largest, sum];
}

function joinedSums([a, sumA]: [number, number], [b, sumB]: [number, number]): [number, number] {
  const largest = Math.max(a, b);
  return [largest, sumA * exp(a - largest) + sumB * exp(b - largest)];
}

/** For each row Σ (p+ε) ln((p+ε) / (q+ε)). */
function divergences(row: number, rows: number): Reduction {
  return {
    order: "blocks",
    scope: "tensor",
    block: ({ first, count, models, base }: Range, results: readonly unknown[]): [number, number][] => {
      const sums = results[0] as Float64Array;
      return rowsIn(first, count, row).map(({ index, from, to }) => {
        const [modelLargest, modelSum, baseLargest, baseSum] = sums.subarray(index * 4, index * 4 + 4) as unknown as number[];
        let total = 0;
        for (let i = from; i < to; i++) {
          const p = exp(models[0]![i]! - modelLargest!) / modelSum! + EPSILON;
          const q = exp(base![i]! - baseLargest!) / baseSum! + EPSILON;
          total += p * ln(p / q);
        }
        return [index, total];
      });
    },
    merge: (a: [number, number][], b: [number, number][]) => {
      a.push(...b);
      return a;
    },
    finish(parts: [number, number][]) {
      const totals = new Float64Array(rows);
      for (const [index, value] of parts) totals[index]! += value;
      return totals;
    },
  };
}

function rowsIn(first: number, count: number, row: number): { index: number; from: number; to: number }[] {
  const end = first + count;
  const found = [];
  for (let index = Math.floor(first / row); index * row < end; index++) {
    found.push({ index, from: Math.max(index * row, first) - first, to: Math.min((index + 1) * row, end) - first });
  }
  return found;
}
