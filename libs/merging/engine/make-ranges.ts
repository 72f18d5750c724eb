import { ELEMENT_BYTES } from "#libs/kernels";
import { BLOCK, type Program, type Range, type Reduction } from "../method.ts";
import { requireDifferences } from "./finite.ts";
import type { Order } from "./order.ts";
import { type Made, openColumns, outputType, type Workplace, writeResults } from "./workplace.ts";

type Ranges = Extract<Program, { kind: "ranges" }>;

/** One reduction over a range: the state (order "any"), or what each block gave, in the order of the blocks. */
export function reduceRange(workplace: Workplace, order: Order, program: Ranges): { readBytes: number; reduced: unknown } {
  workplace.kernels.release();
  const reader = openRanges(workplace, order, program);
  const reduced = reduce(reader, program.reductions[order.step]!, order);
  return { readBytes: reader.readBytes(), reduced };
}

/** Makes a range, when all reductions are known. */
export function makeRange(workplace: Workplace, order: Order, program: Ranges): Made {
  workplace.kernels.release();
  const reader = openRanges(workplace, order, program);
  return { ...write(workplace, reader, order, program, order.results), readBytes: reader.readBytes() };
}

/** Reduces a small tensor and makes it. */
export function makeInOneGo(workplace: Workplace, order: Order, program: Ranges): Made {
  workplace.kernels.release();
  const reader = openRanges(workplace, order, program);
  const results: unknown[] = [];
  for (const reduction of program.reductions) {
    const isNeeded = reduction.order === "blocks" || reduction.needed?.(results) !== false;
    const part = reduce(reader, reduction, { ...order, results, ...(isNeeded ? {} : { count: 0 }) });
    results.push(reduction.finish((reduction.order === "blocks" ? mergeBlocks(reduction, part as unknown[]) : part) as never));
  }
  return { ...write(workplace, reader, order, program, results), readBytes: reader.readBytes() };
}

/** What blocks gave, merged in their order. */
export function mergeBlocks(reduction: Reduction, parts: readonly unknown[]): unknown {
  return parts.reduce((total, part) => reduction.merge(total as never, part as never));
}

type RangeReader = {
  /** A block that begins at an element. */
  at(first: number, count: number): Range;
  readBytes(): number;
};

function reduce(reader: RangeReader, reduction: Reduction, { first, count, results }: Order): unknown {
  const state = reduction.order === "any" ? reduction.start() : [];
  for (let begin = first; begin < first + count; begin += BLOCK) {
    const range = reader.at(begin, Math.min(BLOCK, first + count - begin));
    if (reduction.order === "any") reduction.add(state as never, range, results);
    else (state as unknown[]).push(reduction.block(range, results));
  }
  return state;
}

function write(workplace: Workplace, reader: RangeReader, order: Order, program: Ranges, results: readonly unknown[]): Made {
  const { kernels } = workplace;
  const { first: begin, count: all } = order;
  const type = outputType(order.tensor);
  const window = Math.min(BLOCK, all);
  const wide = kernels.allocate(window * 8);
  const out = kernels.allocate(window * ELEMENT_BYTES[type]);
  for (let first = begin; first < begin + all; first += BLOCK) {
    const count = Math.min(BLOCK, begin + all - first);
    const range = reader.at(first, count);
    program.apply(range, results, kernels.float64(wide, count).fill(0));
    kernels.narrow(wide, type, out, count);
    writeResults(workplace, order, { address: out, first, count });
  }
  return { readBytes: 0, redone: 0 };
}

/** Reads blocks as a method sees them. The block that was read last is not read again. */
function openRanges(workplace: Workplace, order: Order, { of }: Ranges): RangeReader {
  const { kernels, names } = workplace;
  const { tensor, count: most } = order;
  const { models, base, statistics } = tensor;
  const isDifferent = of === "differences" && base !== undefined;
  // Statistics last: they may have another type, but all are of the type that holds them all.
  const sources = [...models, ...(base ? [base] : []), ...(statistics ?? [])];
  const columns = openColumns(workplace, order, sources, { window: Math.min(BLOCK, most), wide: true });
  let readBytes = 0;
  let last = { first: -1, count: 0 };

  function load(first: number, count: number): void {
    if (last.first === first && last.count === count) return;
    last = { first, count };
    readBytes += columns.load(first, count);
    if (!isDifferent) return;
    const type = columns.type as "F32" | "F64";
    const base = columns.addresses[models.length]!;
    for (const [k, address] of columns.addresses.slice(0, models.length).entries()) {
      kernels.difference(type, address, base, address, count);
      requireDifferences(kernels, { type, address, first, count }, order, k, names);
    }
  }

  return {
    at(first, count) {
      load(first, count);
      const values = (from: number, length: number) => Array.from({ length }, (_, k) => columns.values(from + k, count));
      return {
        first,
        count,
        kernels,
        models: values(0, models.length),
        ...(base ? { base: columns.values(models.length, count) } : {}),
        ...(statistics ? { statistics: values(models.length + (base ? 1 : 0), statistics.length) } : {}),
      };
    },
    readBytes: () => readBytes,
  };
}
