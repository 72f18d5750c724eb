import type { Program, Range, Reduction, TensorTask, Values } from "../../method.ts";
import { addScaled, addSigned, type SignedSums } from "./accumulate.ts";
import { type CompiledSparse, compiledMagnitudes, kernelsOf, runCompiled } from "./compiled-sparse.ts";
import { inline } from "./inline.ts";
import { divisorOf, numberOf, numbersOf } from "./parameters.ts";

/** How task vectors are thinned out: what it reduces first, and how it writes what stays of a model's differences. */
export type Sparsifier = {
  readonly reductions: readonly Reduction[];
  /** Called once for a range; the function then gets parts of it: [from, to) of one model. It may return the values themselves. */
  readonly over: (range: Range, results: readonly unknown[]) => (model: number, from: number, to: number, out: Values) => Values;
  /** The same as data, for kernels. */
  readonly compiled?: (range: Range, results: readonly unknown[]) => CompiledSparse["thinningAt"];
};

export type SparseOptions = {
  readonly sparsifier: Sparsifier;
  /** Elect a sign for each number and take only what agrees (TIES); otherwise a weighted sum. */
  readonly consensus: boolean;
  /** What the differences of a model that stay are multiplied by, in place of `matchL1`. */
  readonly scale?: (model: number) => number;
  /** What stays of a model's differences is multiplied so that the sum of magnitudes is as before, as mergekit's `rescale` does. */
  readonly matchL1?: boolean;
  /** A sign for sums that are exactly zero, from the results; by default it is positive. */
  readonly signOfZero?: (results: readonly unknown[]) => number;
};

/** Numbers that are worked on at once: few enough for the first cache. A block is a multiple of it. */
const PIECE = 4096;

const single = new Float32Array(PIECE);
const double = new Float64Array(PIECE);
const sums: SignedSums = {
  positive: new Float64Array(PIECE),
  negative: new Float64Array(PIECE),
  positiveWeight: new Float64Array(PIECE),
  negativeWeight: new Float64Array(PIECE),
};

/** θ = θ_0 + λ Σ w_i s(τ_i) / divisor, with thinned-out task vectors s(τ_i), summed as they are or where their sign is the elected one. */
export function sparseProgram({ shape, models: count, parameters: { merge, models } }: TensorTask, options: SparseOptions): Program {
  const { sparsifier, consensus, scale = () => 1, matchL1 = false, signOfZero = () => 1 } = options;
  const weights = numbersOf(models, "weight");
  const normalized = merge["normalize"] === true;
  const lambda = numberOf(merge, "lambda");
  const linear = lambda / divisorOf(weights, normalized);
  const reductions = matchL1 ? [...sparsifier.reductions, magnitudes(sparsifier, count)] : sparsifier.reductions;
  const elements = shape.reduce((product, dimension) => product * dimension, 1);

  const apply = (range: Range, results: readonly unknown[], out: Float64Array) => {
    const scales = matchL1 ? scalesOf(results.at(-1) as Float64Array, count) : weights.map((_, k) => scale(k));
    const zero = consensus ? signOfZero(results) : 1;
    const kernels = kernelsOf(range, out);
    if (kernels && sparsifier.compiled) {
      const factors = weights.map((value, k) => (consensus ? value * scales[k]! : linear * value * scales[k]!));
      const election = { weights, lambda, normalized, zeroIsPositive: zero >= 0 };
      runCompiled(kernels, range, out, { thinningAt: sparsifier.compiled(range, results), factors, ...(consensus ? { election } : {}) });
      return;
    }
    const thinned = sparsifier.over(range, results);
    for (let from = 0; from < range.count; from += PIECE) {
      const to = Math.min(from + PIECE, range.count);
      const made = out.subarray(from, to);
      const base = part(range.base!, from, to);
      if (consensus) clear(to - from);
      else made.set(base);
      for (let k = 0; k < count; k++) {
        const room = range.models[k] instanceof Float32Array ? single : double;
        const values = thinned(k, from, to, room.subarray(0, to - from));
        if (consensus) addSigned(values, weights[k]! * scales[k]!, weights[k]!, sums);
        else addScaled(values, linear * weights[k]! * scales[k]!, made);
      }
      if (consensus) elect(base, lambda, normalized, zero, made);
    }
  };
  return inline({ kind: "ranges", of: "differences", reductions, apply }, elements);
}

function part(values: Values, from: number, to: number): Values {
  return values.subarray(from, to);
}

function clear(count: number): void {
  sums.positive.fill(0, 0, count);
  sums.negative.fill(0, 0, count);
  sums.positiveWeight.fill(0, 0, count);
  sums.negativeWeight.fill(0, 0, count);
}

/** Base plus what has the sign of the sum; over the weights of what has it, where normalised. */
function elect(base: Values, lambda: number, normalized: boolean, signOfZero: number, out: Float64Array): void {
  const { positive, negative, positiveWeight, negativeWeight } = sums;
  const count = out.length;
  for (let i = 0; i < count; i++) {
    const sum = positive[i]! + negative[i]!;
    const up = sum > 0 || (sum === 0 && signOfZero >= 0);
    const merged = up ? positive[i]! : negative[i]!;
    const weight = up ? positiveWeight[i]! : negativeWeight[i]!;
    out[i] = base[i]! + lambda * (normalized && weight !== 0 ? merged / weight : merged);
  }
}

/** Σ |τ| and Σ |s(τ)| of each model, side by side. */
function magnitudes(sparsifier: Sparsifier, count: number): Reduction {
  return {
    order: "blocks",
    scope: "tensor",
    block(range: Range, results: readonly unknown[]) {
      const totals = new Float64Array(2 * count);
      const thinningAt = sparsifier.compiled?.(range, results);
      const thinned = sparsifier.over(range, results);
      for (let k = 0; k < count; k++) {
        const compiled = thinningAt && compiledMagnitudes(range, k, thinningAt);
        const { all, kept } = compiled ?? magnitudesOf(range, k, thinned);
        totals[2 * k] = all;
        totals[2 * k + 1] = kept;
      }
      return totals;
    },
    merge(a: Float64Array, b: Float64Array) {
      for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
      return a;
    },
    finish: (total: Float64Array) => total,
  };
}

function magnitudesOf({ models, count }: Range, model: number, thinned: ReturnType<Sparsifier["over"]>) {
  const all: Four = [0, 0, 0, 0];
  const kept: Four = [0, 0, 0, 0];
  for (let from = 0; from < count; from += PIECE) {
    const to = Math.min(from + PIECE, count);
    const room = models[model] instanceof Float32Array ? single : double;
    addMagnitudes(part(models[model]!, from, to), all);
    addMagnitudes(thinned(model, from, to, room.subarray(0, to - from)), kept);
  }
  return { all: sumOfFour(all), kept: sumOfFour(kept) };
}

type Four = [number, number, number, number];

/** Those of the indexes 0, 1, 2 and 3 modulo 4 each apart, so that no addition waits for the one before. `PIECE` is a multiple of 4. */
function addMagnitudes(values: Values, sums: Four): void {
  let [a, b, c, d] = sums;
  const whole = values.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += Math.abs(values[i]!);
    b += Math.abs(values[i + 1]!);
    c += Math.abs(values[i + 2]!);
    d += Math.abs(values[i + 3]!);
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
  for (let i = whole; i < values.length; i++) sums[i % 4]! += Math.abs(values[i]!);
}

function sumOfFour([a, b, c, d]: Four): number {
  return a + b + (c + d);
}

function scalesOf(totals: Float64Array, count: number): number[] {
  return Array.from({ length: count }, (_, k) => (totals[2 * k + 1] === 0 ? 1 : totals[2 * k]! / totals[2 * k + 1]!));
}
