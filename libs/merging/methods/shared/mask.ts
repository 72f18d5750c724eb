import type { Values } from "../../method.ts";
import { MAGNITUDE, patternsOf } from "./patterns.ts";
import type { CutIn } from "./select.ts";

/** What stays of a stream: those within `keep`, but for those within `drop`. */
export type Band = { readonly drop?: CutIn; readonly keep: CutIn };

/** Writes what stays of values into `out`, of the same type, and zeros in place of the rest. `first` is the index of the first in the tensor. */
export function maskBand(values: Values, first: number, band: Band, out: Values): void {
  const patterns = patternsOf(values);
  const count = values.length;
  for (let from = 0; from < count; ) {
    const { low, high, until } = limitsAt(band, first + from);
    const to = Math.min(count, until - first);
    if (values instanceof Float32Array) maskPatterns(patterns, low, high, from, to, patternsOf(out));
    else maskDoubles(values, patterns, low, high, from, to, out as Float64Array);
    from = to;
  }
}

/** What stays from an index of the tensor on: magnitudes above `low` and below `high`; and the next index from which on equal keys are treated otherwise. */
export function limitsAt({ drop, keep }: Band, index: number): { readonly low: number; readonly high: number; readonly until: number } {
  const next = [keep.until, drop?.until ?? 0].filter((until) => until > index);
  const low = keep.until > index ? keep.bits - 1 : keep.bits;
  const high = drop === undefined ? MAGNITUDE : drop.until > index ? drop.bits : Math.min(MAGNITUDE, drop.bits + 1);
  return { low, high, until: Math.min(Number.POSITIVE_INFINITY, ...next) };
}

/** Those with magnitudes above `low` and below `high` stay. Without branches, which would be guessed wrong half of the time. */
function maskPatterns(patterns: Int32Array, low: number, high: number, from: number, to: number, out: Int32Array): void {
  for (let i = from; i < to; i++) {
    const bits = patterns[i]!;
    const magnitude = bits & MAGNITUDE;
    out[i] = bits & ((low - magnitude) >> 31) & ((magnitude - high) >> 31);
  }
}

function maskDoubles(values: Float64Array, patterns: Int32Array, low: number, high: number, from: number, to: number, out: Float64Array) {
  for (let i = from; i < to; i++) {
    const magnitude = patterns[i]! & MAGNITUDE;
    out[i] = magnitude > low && magnitude < high ? values[i]! : 0;
  }
}
