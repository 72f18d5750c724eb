import { ELEMENT_BYTES, type ElementType, type Kernels, MAX_GRAM_INPUTS } from "#libs/kernels";
import { BLOCK, type Program } from "../method.ts";
import { requireSums } from "./finite.ts";
import { withBase } from "./make-linear.ts";
import type { Order } from "./order.ts";
import { type Columns, columnType, type Made, openColumns, outputType, type Workplace, windowFor, writeResults } from "./workplace.ts";

type Gram = Extract<Program, { kind: "gram" }>;

/** Dot products of all models over each block of a range, in the order of the blocks. */
export function reduceGram(workplace: Workplace, order: Order, { of }: Gram): { readBytes: number; reduced: Float64Array[] } {
  const { kernels } = workplace;
  const { tensor, first, count } = order;
  const models = tensor.models.length;
  kernels.release();
  const sources = of === "models" ? tensor.models : withBase(tensor.models, tensor.base);
  const columns = openColumns(workplace, order, sources, { window: Math.min(BLOCK, count) });
  const dots = openDots(kernels, models);
  const reduced: Float64Array[] = [];
  let readBytes = 0;
  for (let begin = first; begin < first + count; begin += BLOCK) {
    const elements = Math.min(BLOCK, first + count - begin);
    readBytes += columns.load(begin, elements);
    const products = dots(columns, of, 0, elements);
    requireSums(products, order);
    reduced.push(products);
  }
  return { readBytes, reduced };
}

/** Makes a range of whole rows, each with coefficients of its own. */
export function makeRows(workplace: Workplace, order: Order, program: Gram): Made {
  const { kernels } = workplace;
  const { tensor, first: begin, count: all } = order;
  const row = tensor.shape.at(-1) ?? 1;
  const type = outputType(tensor);
  const sources = withBase(tensor.models, tensor.base);
  const perElement = sources.length * ELEMENT_BYTES[columnType(sources, false)] + ELEMENT_BYTES[type];
  const window = Math.max(1, Math.floor(windowFor(workplace, perElement, BLOCK) / row)) * row;
  kernels.release();
  const columns = openColumns(workplace, order, sources, { window: Math.min(all, window) });
  const out = kernels.allocate(Math.min(all, window) * ELEMENT_BYTES[type]);
  const dots = openDots(kernels, tensor.models.length);
  const made: Made = { readBytes: 0, redone: 0 };
  for (let first = begin; first < begin + all; first += window) {
    const count = Math.min(window, begin + all - first);
    made.readBytes += columns.load(first, count);
    for (let from = 0; from < count; from += row) {
      const products = dotsOfRow(dots, columns, program.of, from, row);
      requireSums(products, order);
      const coefficients = program.coefficients(products);
      const inputs = addressesAt(columns, from).slice(0, coefficients.length);
      const to = out + from * ELEMENT_BYTES[type];
      kernels.combine({ inputs, type: columns.type, coefficients, out: to, outType: type, count: row });
    }
    writeResults(workplace, order, { address: out, first, count });
  }
  return made;
}

type Dots = (columns: Columns, of: Gram["of"], from: number, count: number) => Float64Array;

function dotsOfRow(dots: Dots, columns: Columns, of: Gram["of"], from: number, row: number): Float64Array {
  let total: Float64Array | undefined;
  for (let at = 0; at < row; at += BLOCK) {
    const part = dots(columns, of, from + at, Math.min(BLOCK, row - at));
    total = total === undefined ? part : addDots(total, part);
  }
  return total!;
}

/** Sums of dot products, in place. */
export function addDots(total: Float64Array, part: Float64Array): Float64Array {
  for (let i = 0; i < total.length; i++) total[i]! += part[i]!;
  return total;
}

function addressesAt({ addresses, type }: Columns, element: number): number[] {
  return addresses.map((address) => address + element * ELEMENT_BYTES[type]);
}

/** Dot products of the first `models` columns; of differences to the last one where they are asked for. */
function openDots(kernels: Kernels, models: number): Dots {
  const group = models <= MAX_GRAM_INPUTS ? models : MAX_GRAM_INPUTS / 2;
  const out = kernels.allocate(8 * Math.min(models, MAX_GRAM_INPUTS) * Math.min(models, MAX_GRAM_INPUTS));
  return (columns, of, from, count) => {
    const addresses = addressesAt(columns, from);
    const base = of === "differences" ? addresses.at(-1)! : undefined;
    const total = new Float64Array(models * models);
    for (let a = 0; a < models; a += group) {
      for (let b = a; b < models; b += group) {
        const members = [...indices(a, group, models), ...(b > a ? indices(b, group, models) : [])];
        gram(
          kernels,
          members.map((k) => addresses[k]!),
          columns.type,
          base,
          count,
          out,
        );
        const part = kernels.float64(out, members.length * members.length);
        for (const [i, row] of members.entries()) {
          for (const [j, column] of members.entries()) total[row * models + column] = part[i * members.length + j]!;
        }
      }
    }
    return total;
  };
}

function gram(kernels: Kernels, inputs: number[], type: ElementType, base: number | undefined, count: number, out: number): void {
  kernels.gram({ inputs, type, ...(base === undefined ? {} : { base }), count, out });
}

function indices(first: number, count: number, end: number): number[] {
  return Array.from({ length: Math.min(count, end - first) }, (_, i) => first + i);
}
