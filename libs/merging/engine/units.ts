import { BLOCK } from "../method.ts";
import type { PlannedTensor } from "../plan/types.ts";
import { bytesOf, type Span } from "./spans.ts";

/** A range of a span that one thread makes at a time. */
export type Piece = { readonly span: number; readonly first: number; readonly count: number };

/** Pieces that are written: what threads are handed, and what the journal counts. */
export type Unit = {
  readonly index: number;
  readonly pieces: readonly Piece[];
  /** True where reductions have to be done before. Such a unit has one piece. */
  readonly reduced: boolean;
};

// Of an output, in bytes: large enough that handing it out costs nothing, small enough that all threads end at about the same time.
const UNIT_BYTES = 1 << 20;
// Of the inputs: where there are many, units are smaller.
const UNIT_READ_BYTES = 1 << 25;
// Tensors up to this size, of all inputs together, are reduced and made in one go, read once.
const SMALL_BYTES = 1 << 24;
/** Blocks of one unit of a reduction. Its result has to be sent and merged, so there are few. */
export const REDUCED_BLOCKS = { any: 64, blocks: 16 } as const;

/**
 * Cuts what is to be written into units, in the order of the output. It depends on the plan alone: not on threads nor on memory, so that
 * a merge goes on where another process left it.
 */
export function planUnits(spans: readonly Span[]): Unit[] {
  const units: Unit[] = [];
  let open: Piece[] = [];
  let openBytes = 0;
  const close = () => {
    if (open.length > 0) units.push({ index: units.length, pieces: open, reduced: false });
    open = [];
    openBytes = 0;
  };
  for (const span of spans) {
    const reduced = needsReduction(span);
    if (reduced) close();
    const step = stepOf(span);
    for (let first = 0; first < span.elements; first += step) {
      const piece = { span: span.index, first, count: Math.min(step, span.elements - first) };
      if (reduced) {
        units.push({ index: units.length, pieces: [piece], reduced });
        continue;
      }
      const bytes = bytesOf(span.tensor.dtype, piece.count) + readBytesOf(span.tensor, piece.count) / (UNIT_READ_BYTES / UNIT_BYTES);
      if (openBytes > 0 && openBytes + bytes > 2 * UNIT_BYTES) close();
      open.push(piece);
      openBytes += bytes;
    }
  }
  close();
  return units;
}

/** Whether parts of a span can only be made when something is known of all of it. */
function needsReduction(span: Span): boolean {
  const { making } = span;
  if (making.kind === "gram") return making.scope !== "row";
  return making.kind === "ranges" && making.reductions.length > 0 && !isMadeInOneGo(span);
}

/** Whether a thread does the reductions of a span itself, and then makes it. */
export function isMadeInOneGo({ making, tensor, elements }: Span): boolean {
  if (making.kind !== "ranges" || making.reductions.some(({ scope }) => scope === "model")) return false;
  return making.reductions.length > 0 && readBytesOf(tensor, elements) <= SMALL_BYTES;
}

/** Bytes of all sources of some elements. Statistics that have another shape count as if they had the same. */
export function readBytesOf({ models, base, statistics = [] }: PlannedTensor, elements: number): number {
  return [...models, ...(base ? [base] : []), ...statistics].reduce((sum, { dtype }) => sum + bytesOf(dtype, elements), 0);
}

/** Elements of a piece. */
function stepOf(span: Span): number {
  const { making, tensor, elements } = span;
  if (making.kind === "whole") return making.split ?? elements;
  if (isMadeInOneGo(span)) return elements;
  const perElement = Math.max(bytesOf(tensor.dtype, 8) / 8, readBytesOf(tensor, 8) / 8 / (UNIT_READ_BYTES / UNIT_BYTES));
  const wanted = UNIT_BYTES / perElement;
  if (making.kind === "gram" && making.scope === "row") {
    const row = Math.max(1, tensor.shape.at(-1) ?? 1);
    return Math.max(1, Math.floor(wanted / row)) * row;
  }
  const isByElement = making.kind === "mean" || making.kind === "combine" || making.kind === "agree" || making.kind === "maximum";
  const least = isByElement ? LEAST_ELEMENTS : BLOCK;
  return Math.max(least, Math.floor(wanted / least) * least);
}

// Even for thousands of models; a multiple of what fills whole bytes of every type.
const LEAST_ELEMENTS = 4096;
