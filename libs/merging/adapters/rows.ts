import { dtypes, isWidenable, type NarrowDtype, narrow, widen } from "#libs/tensors";
import { requireFinite, requireResults } from "./finite.ts";
import type { AdapterFactor, AdapterOrigin, AdapterSource, AdapterTensor, AdapterTerm, AdapterWhole } from "./types.ts";

/** Reads exactly `into.length` bytes of an input of the plan. */
export type ReadInput = (file: number, into: Uint8Array, position: number) => void;

/**
 * Makes rows of tensors: pure but for the reading. A number depends on nothing but its own row and column, so any cut into rows gives the
 * same bytes. Keeps the matrices of the last tensor, as its other rows come next. What it makes throws AdapterError where a number that it
 * reads is not finite, or one that it makes is too large for its type.
 */
export function rowMaker(
  read: ReadInput,
  origins: readonly AdapterOrigin[],
): (tensor: AdapterTensor, first: number, count: number) => Uint8Array {
  const kept = new Map<string, Float64Array>();
  let keptFor = "";

  /** Rows of a matrix as f64. */
  function rows(source: AdapterSource, columns: number, first: number, count: number): Float64Array {
    const { file, offset, dtype } = source;
    const size = dtypes.get(dtype)!.bits / 8;
    const bytes = new Uint8Array(count * columns * size);
    read(file, bytes, offset + first * columns * size);
    const values = new Float64Array(count * columns);
    widen(dtype, bytes, values);
    requireFinite(values, first * columns, source, origins);
    return values;
  }

  /** Σ coefficient · x for some rows. */
  function weighted(terms: readonly AdapterWhole[], columns: number, first: number, count: number): Float64Array {
    const sums = new Float64Array(count * columns);
    for (const { source, coefficient } of terms) {
      const values = rows(source, columns, first, count);
      for (let i = 0; i < sums.length; i++) sums[i]! += coefficient * values[i]!;
    }
    return sums;
  }

  /** A whole matrix as f64, or its transpose; read once while one tensor is made. */
  function whole(factor: AdapterFactor, transposed: boolean): Float64Array {
    const key = `${factor.file} ${factor.offset} ${transposed}`;
    let values = kept.get(key);
    if (values === undefined) {
      values = rows(factor, factor.columns, 0, factor.rows);
      if (transposed) values = transpose(values, factor.rows, factor.columns);
      kept.set(key, values);
    }
    return values;
  }

  /** coefficient · left · right for some rows: left [rows, rank], right [rank, columns]. */
  function addProduct(
    out: Float64Array,
    { a, b, coefficient, transposed }: AdapterTerm,
    columns: number,
    first: number,
    count: number,
  ): void {
    const rank = a.rows;
    const left = transposed ? whole(a, true).subarray(first * rank, (first + count) * rank) : rows(b, b.columns, first, count);
    const right = transposed ? whole(b, true) : whole(a, false);
    for (let row = 0; row < count; row++) {
      const sums = out.subarray(row * columns, (row + 1) * columns);
      for (let rho = 0; rho < rank; rho++) {
        const factor = coefficient * left[row * rank + rho]!;
        const line = right.subarray(rho * columns, (rho + 1) * columns);
        for (let i = 0; i < columns; i++) sums[i]! += factor * line[i]!;
      }
    }
  }

  function make({ rule, columns }: AdapterTensor, first: number, count: number): Float64Array {
    switch (rule.kind) {
      case "products": {
        const [only, ...others] = rule.base;
        // One base stays as it is, zeros with their signs.
        const isOne = others.length === 0 && only!.coefficient === 1;
        const sums = isOne ? rows(only!.source, columns, first, count) : weighted(rule.base, columns, first, count);
        for (const term of rule.terms) addProduct(sums, term, columns, first, count);
        return sums;
      }
      case "sum":
        return weighted(rule.terms, columns, first, count);
      case "rows": {
        const out = new Float64Array(count * columns);
        let begin = 0;
        for (const source of rule.sources) {
          const from = Math.max(first, begin);
          const to = Math.min(first + count, begin + source.rows);
          if (from < to) out.set(rows(source, columns, from - begin, to - from), (from - first) * columns);
          begin += source.rows;
        }
        return out;
      }
      case "columns": {
        const out = new Float64Array(count * columns);
        let begin = 0;
        for (const { source, coefficient } of rule.terms) {
          const values = rows(source, source.columns, first, count);
          for (let row = 0; row < count; row++)
            for (let i = 0; i < source.columns; i++) out[row * columns + begin + i] = coefficient * values[row * source.columns + i]!;
          begin += source.columns;
        }
        return out;
      }
      default:
        throw new TypeError(`${rule.kind} makes no numbers`);
    }
  }

  return (tensor, first, count) => {
    const { rule, columns, dtype, name } = tensor;
    if (keptFor !== name) {
      kept.clear();
      keptFor = name;
    }
    const out = new Uint8Array((count * columns * dtypes.get(dtype)!.bits) / 8);
    if (rule.kind === "copy") {
      read(rule.source.file, out, rule.source.offset + (first * columns * dtypes.get(dtype)!.bits) / 8);
      if (isWidenable(dtype) && /^B?F/.test(dtype)) {
        const values = new Float64Array(count * columns);
        widen(dtype, out, values);
        requireFinite(values, first * columns, rule.source, origins);
      }
      return out;
    }
    const values = make(tensor, first, count);
    requireResults(values, first * columns, tensor);
    narrow(dtype as NarrowDtype, values, out);
    return out;
  };
}

function transpose(values: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  return out;
}
