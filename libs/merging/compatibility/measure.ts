import type { Values } from "../method.ts";

/**
 * Sums over some elements of one tensor, of K models. Differences are to the base, or to the mean of the models. Where any of the numbers
 * is not finite, the element counts in `notFinite` only.
 */
export type Measures = {
  count: number;
  /** Numbers of each model that are NaN or infinite, and the index of the first in the tensor (−1: none). */
  readonly notFinite: number[];
  readonly first: number[];
  /** Σ x² and max |x| of each model. */
  readonly squares: number[];
  readonly largest: number[];
  /** Σ d_i · d_j, models by models; of more than MOST_PAIRWISE models only the diagonal. */
  readonly gram: Float64Array;
  /** How many differences of each model are not 0, and how many of those have the sign of the sum of all. Without a base: weights. */
  readonly moved: number[];
  readonly agreeing: number[];
};

/** More models are not compared pair by pair: the work grows with their square. */
export const MOST_PAIRWISE = 32;

/** Nothing measured yet. */
export function noMeasures(models: number): Measures {
  const zeros = () => new Array<number>(models).fill(0);
  return {
    count: 0,
    notFinite: zeros(),
    first: new Array<number>(models).fill(-1),
    squares: zeros(),
    largest: zeros(),
    gram: new Float64Array(models > MOST_PAIRWISE ? models : models * models),
    moved: zeros(),
    agreeing: zeros(),
  };
}

/** Room to work in, for blocks of up to `elements` numbers. */
export type Scratch = { readonly differences: readonly Float64Array[]; readonly sums: Float64Array };

export function scratchFor(models: number, elements: number): Scratch {
  return { differences: Array.from({ length: models }, () => new Float64Array(elements)), sums: new Float64Array(elements) };
}

/**
 * Adds elements of a tensor. Blocks are added in their order, so that sums do not depend on anything else.
 * @param first index of the first element in the tensor.
 * @param scratch room for as many elements.
 */
export function measure(into: Measures, models: readonly Values[], base: Values | undefined, first: number, scratch: Scratch): void {
  const count = models[0]!.length;
  const clean = findFinite(into, models, base, first);
  into.count += count;
  const differences = scratch.differences.map((room) => room.subarray(0, count));
  const sums = scratch.sums.subarray(0, count);
  subtract(models, base, clean, sums, differences);
  models.forEach((values, k) => {
    let squares = 0;
    let largest = into.largest[k]!;
    for (let i = 0; i < count; i++) {
      if (clean !== undefined && clean[i] === 0) continue;
      const value = values[i]!;
      squares += value * value;
      const size = Math.abs(value);
      if (size > largest) largest = size;
    }
    into.squares[k]! += squares;
    into.largest[k] = largest;
  });
  countSigns(into, models, base && differences, clean, sums);
  addGram(into.gram, differences);
}

/** Adds what was measured on later elements. */
export function mergeMeasures(into: Measures, more: Measures): void {
  into.count += more.count;
  for (let k = 0; k < into.squares.length; k++) {
    into.notFinite[k]! += more.notFinite[k]!;
    if (into.first[k]! < 0) into.first[k] = more.first[k]!;
    into.squares[k]! += more.squares[k]!;
    into.largest[k] = Math.max(into.largest[k]!, more.largest[k]!);
    into.moved[k]! += more.moved[k]!;
    into.agreeing[k]! += more.agreeing[k]!;
  }
  for (let i = 0; i < into.gram.length; i++) into.gram[i]! += more.gram[i]!;
}

/** Counts numbers that are not finite. Returns a mask of the elements without any, or undefined where that is all of them. */
function findFinite(into: Measures, models: readonly Values[], base: Values | undefined, first: number): Uint8Array | undefined {
  let clean: Uint8Array | undefined;
  const mark = (values: Values, found: (index: number) => void) => {
    // x · 0 is 0 for finite numbers and NaN for others, and NaN stays in a sum: the common case takes no branch.
    let probe = 0;
    for (let i = 0; i < values.length; i++) probe += values[i]! * 0;
    if (probe === 0) return;
    clean ??= new Uint8Array(values.length).fill(1);
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      clean[i] = 0;
      found(i);
    }
  };
  for (const [k, values] of models.entries()) {
    mark(values, (i) => {
      if (into.notFinite[k] === 0) into.first[k] = first + i;
      into.notFinite[k]! += 1;
    });
  }
  if (base !== undefined) mark(base, () => {});
  return clean;
}

/** Differences to the base, or to the mean: 0 exactly where all models are equal. */
function subtract(
  models: readonly Values[],
  base: Values | undefined,
  clean: Uint8Array | undefined,
  sums: Float64Array,
  out: readonly Float64Array[],
): void {
  const reference = base ?? models[0]!;
  const { length } = sums;
  sums.fill(0);
  models.forEach((values, k) => {
    const difference = out[k]!;
    for (let i = 0; i < length; i++) {
      const d = values[i]! - reference[i]!;
      difference[i] = d;
      sums[i]! += d;
    }
  });
  // Now they are differences to the first model: the mean's own difference to it is taken off.
  if (base === undefined) for (const difference of out) for (let i = 0; i < length; i++) difference[i]! -= sums[i]! / models.length;
  if (clean === undefined) return;
  for (let i = 0; i < length; i++) {
    if (clean[i] === 1) continue;
    for (const difference of out) difference[i] = 0;
  }
}

/** Differences to a mean have no common sign. Without a base, signs are those of the weights themselves. */
function countSigns(
  into: Measures,
  models: readonly Values[],
  differences: readonly Float64Array[] | undefined,
  clean: Uint8Array | undefined,
  sums: Float64Array,
): void {
  const vectors = differences ?? models;
  const { length } = sums;
  sums.fill(0);
  for (const vector of vectors) for (let i = 0; i < length; i++) sums[i]! += vector[i]!;
  if (clean !== undefined) for (let i = 0; i < length; i++) if (clean[i] === 0) sums[i] = 0;
  vectors.forEach((vector, k) => {
    let moved = 0;
    let agreeing = 0;
    for (let i = 0; i < length; i++) {
      const d = vector[i]!;
      const sum = sums[i]!;
      moved += (d === 0 ? 0 : 1) & (clean === undefined ? 1 : clean[i]!);
      agreeing += (d > 0 && sum > 0) || (d < 0 && sum < 0) ? 1 : 0;
    }
    into.moved[k]! += moved;
    into.agreeing[k]! += agreeing;
  });
}

function addGram(gram: Float64Array, differences: readonly Float64Array[]): void {
  const models = differences.length;
  if (models > MOST_PAIRWISE) {
    for (let a = 0; a < models; a++) gram[a]! += dot(differences[a]!, differences[a]!);
    return;
  }
  for (let a = 0; a < models; a++) {
    for (let b = a; b < models; b++) {
      const sum = dot(differences[a]!, differences[b]!);
      gram[a * models + b]! += sum;
      if (a !== b) gram[b * models + a]! += sum;
    }
  }
}

/** Σ d_k² of one model. */
export function ownProduct({ gram, squares }: Measures, model: number): number {
  const models = squares.length;
  return gram[models > MOST_PAIRWISE ? model : model * models + model]!;
}

/** Four sums side by side: a processor adds them at the same time. */
function dot(a: Float64Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}
