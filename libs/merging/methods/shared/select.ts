import { BLOCK, type Range, type Reduction, type Values } from "../../method.ts";
import { MAGNITUDE, patternsOf } from "./patterns.ts";

/** What is selected in: several streams of keys, of which only the magnitudes count. */
export type Selection = {
  readonly elements: number;
  readonly streams: number;
  /** The keys of one stream in a range. The array is used before the next is asked for. */
  readonly keys: (range: Range, stream: number, results: readonly unknown[]) => Values;
  /** How many of the largest are wanted of a stream, for each of its cuts: more than there are is all. `nonzero` of them are not zero. */
  readonly wanted: (stream: number, elements: number, nonzero: number) => readonly number[];
  readonly cuts: number;
  /** Where the first result of these reductions stands among all results. */
  readonly at: number;
  readonly scope?: "tensor" | "model";
};

/**
 * Where the wanted ones end, in the order of magnitudes: keys with a pattern above `bits` are in, and of those that are equal to it the
 * first ones by index: all in blocks before `block`, and `rest` in that block; none where `block` is -1.
 */
export type Cut = { readonly bits: number; readonly block: number; readonly rest: number };

const HIGH = 1 << 16;
const LOW = 1 << 15;

/** Everything is in, and nothing. */
const ALL: Cut = { bits: -1, block: -1, rest: 0 };
const NONE: Cut = { bits: MAGNITUDE, block: -1, rest: 0 };

type High = { readonly bins: Uint32Array | Float64Array; readonly nonzero: number[]; elements: number };
type Left = { readonly cut: Cut } | { readonly prefix: number; readonly left: number };
/** `take` of so many `equal` ones are in. */
type Found = { readonly cut: Cut } | { readonly bits: number; readonly take: number; readonly equal: number };

/**
 * Finds exactly the k largest of many numbers without sorting them: a histogram of the upper 16 bits of the magnitudes, and one of the
 * lower 15 among those that share the upper bits of the k-th. Equal ones at the end are taken by index, so that it is k in any case: for
 * that a third pass counts them block by block, where it matters. Over the whole model they are all in. `cutsOf` reads the results.
 */
export function selectLargest(selection: Selection): readonly Reduction[] {
  const passes = [countHigh(selection), countLow(selection)];
  return selection.scope === "model" ? passes : [...passes, countEqual(selection)];
}

/** How many results the reductions of `selectLargest` have. */
export function passesOfSelection(scope: "tensor" | "model" = "tensor"): number {
  return scope === "model" ? 2 : 3;
}

/** The cuts of all streams, those of one stream side by side. */
export function cutsOf(results: readonly unknown[], { at, scope = "tensor" }: Pick<Selection, "at" | "scope">): readonly Cut[] {
  const [left, found, cuts] = results.slice(at, at + 3) as [readonly Left[], readonly Found[], (readonly Cut[])?];
  return left.map((slot, i) => {
    if ("cut" in slot) return slot.cut;
    const one = found[i]!;
    if ("cut" in one) return one.cut;
    return scope === "model" ? withAll(one.bits) : (cuts?.[i] ?? withAll(one.bits));
  });
}

type AnyOrder = Extract<Reduction, { order: "any" }>;

function countHigh({ streams, keys, wanted, scope = "tensor" }: Selection): AnyOrder {
  return {
    order: "any",
    scope,
    start: (): High => ({ bins: binsFor(scope, streams * HIGH), nonzero: new Array<number>(streams).fill(0), elements: 0 }),
    add(state: High, range: Range, results: readonly unknown[]) {
      state.elements += range.count;
      for (let s = 0; s < streams; s++) {
        const patterns = patternsOf(keys(range, s, results));
        state.nonzero[s]! += addHigh(patterns, range.count, state.bins, s * HIGH);
      }
    },
    merge: (a: High, b: High): High => ({
      bins: added(a.bins, b.bins),
      nonzero: a.nonzero.map((value, s) => value + b.nonzero[s]!),
      elements: a.elements + b.elements,
    }),
    finish: ({ bins, nonzero, elements }: High): Left[] =>
      nonzero.flatMap((filled, s) =>
        wanted(s, elements, filled).map((count): Left => {
          if (count > elements) return { cut: ALL };
          if (count <= 0) return { cut: NONE };
          const { bin, above } = binOf(bins, s * HIGH, HIGH, count);
          return { prefix: bin, left: count - above };
        }),
      ),
  };
}

type Low = { readonly bins: Uint32Array | Float64Array; left?: readonly Left[] };

function countLow({ streams, cuts, keys, at, scope = "tensor" }: Selection): AnyOrder {
  const slots = streams * cuts;
  return {
    order: "any",
    scope,
    needed: (results) => (results[at] as readonly Left[]).some((slot) => "prefix" in slot),
    start: (): Low => ({ bins: binsFor(scope, slots * LOW) }),
    add(state: Low, range: Range, results: readonly unknown[]) {
      const left = results[at] as readonly Left[];
      state.left = left;
      for (let s = 0; s < streams; s++) {
        const patterns = patternsOf(keys(range, s, results));
        for (let slot = s * cuts; slot < (s + 1) * cuts; slot++) {
          const one = left[slot]!;
          if ("prefix" in one) addLow(patterns, range.count, one.prefix, state.bins, slot * LOW);
        }
      }
    },
    merge: (a: Low, b: Low): Low => ({ ...(a.left === undefined ? b : a), bins: added(a.bins, b.bins) }),
    finish: ({ bins, left = [] }: Low): Found[] =>
      left.map((slot, i) => {
        if ("cut" in slot) return slot;
        const { bin, above, inside } = binOf(bins, i * LOW, LOW, slot.left);
        return { bits: slot.prefix * LOW + bin, take: slot.left - above, equal: inside };
      }),
  };
}

type Equal = { readonly counts: Uint32Array; found?: readonly Found[] };

function countEqual({ elements, streams, cuts, keys, at }: Selection): AnyOrder {
  const slots = streams * cuts;
  const blocks = Math.ceil(elements / BLOCK);
  return {
    order: "any",
    scope: "tensor",
    needed: (results) => (results[at + 1] as readonly Found[]).some(isPartial),
    start: (): Equal => ({ counts: new Uint32Array(slots * blocks) }),
    add(state: Equal, range: Range, results: readonly unknown[]) {
      const found = results[at + 1] as readonly Found[];
      state.found = found;
      for (let s = 0; s < streams; s++) {
        if (!found.slice(s * cuts, (s + 1) * cuts).some(isPartial)) continue;
        const patterns = patternsOf(keys(range, s, results));
        for (let slot = s * cuts; slot < (s + 1) * cuts; slot++) {
          const one = found[slot]!;
          if (!("bits" in one && isPartial(one))) continue;
          for (let from = 0; from < range.count; from += BLOCK) {
            const block = (range.first + from) / BLOCK;
            state.counts[slot * blocks + block]! += countOf(patterns, from, Math.min(from + BLOCK, range.count), one.bits);
          }
        }
      }
    },
    merge: (a: Equal, b: Equal): Equal => ({ ...(a.found === undefined ? b : a), counts: added(a.counts, b.counts) }),
    finish: ({ counts, found = [] }: Equal): Cut[] =>
      found.map((one, slot) => {
        if ("cut" in one) return one.cut;
        if (!isPartial(one)) return withAll(one.bits);
        let rest = one.take;
        let block = 0;
        while (rest > counts[slot * blocks + block]!) rest -= counts[slot * blocks + block++]!;
        return { bits: one.bits, block, rest };
      }),
  };
}

/** Some of those that are equal are in and some are not. Of zeros it does not matter which. */
function isPartial(found: Found): boolean {
  return "bits" in found && found.take < found.equal && found.bits !== 0;
}

function withAll(bits: number): Cut {
  return { bits: bits - 1, block: -1, rest: 0 };
}

/** A whole model may have more equal numbers than 32 bits can count. */
function binsFor(scope: "tensor" | "model", count: number): Uint32Array | Float64Array {
  return scope === "model" ? new Float64Array(count) : new Uint32Array(count);
}

/** The bin, of those from `from` on, that holds the count-th largest, how many are in larger ones, and how many inside. */
function binOf(bins: Uint32Array | Float64Array, from: number, length: number, count: number) {
  let bin = length - 1;
  let above = 0;
  while (above + bins[from + bin]! < count) above += bins[from + bin--]!;
  return { bin, above, inside: bins[from + bin]! };
}

function added<T extends Uint32Array | Float64Array>(a: T, b: T): T {
  for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
  return a;
}

/** Returns how many are not zero. */
function addHigh(patterns: Int32Array, count: number, bins: Uint32Array | Float64Array, from: number): number {
  let zeros = 0;
  for (let i = 0; i < count; i++) {
    const magnitude = patterns[i]! & MAGNITUDE;
    bins[from + (magnitude >>> 15)]!++;
    // 1 for 0, and 0 for all else, without a branch.
    zeros += (magnitude - 1) >>> 31;
  }
  return count - zeros;
}

function addLow(patterns: Int32Array, count: number, prefix: number, bins: Uint32Array | Float64Array, from: number): void {
  for (let i = 0; i < count; i++) {
    const magnitude = patterns[i]! & MAGNITUDE;
    if (magnitude >>> 15 === prefix) bins[from + (magnitude & (LOW - 1))]!++;
  }
}

/** A cut as it is in one range: of the keys that are equal to `bits`, those at indexes of the tensor below `until` are in. */
export type CutIn = { readonly bits: number; readonly until: number };

export function cutIn({ first, count }: Range, keys: Values, { bits, block, rest }: Cut): CutIn {
  const begin = block * BLOCK;
  if (begin < first || block < 0) return { bits, until: 0 };
  if (begin >= first + count) return { bits, until: Number.POSITIVE_INFINITY };
  const patterns = patternsOf(keys);
  let left = rest;
  let i = begin - first;
  for (; left > 0; i++) if ((patterns[i]! & MAGNITUDE) === bits) left--;
  return { bits, until: first + i };
}

function countOf(patterns: Int32Array, from: number, to: number, bits: number): number {
  let found = 0;
  for (let i = from; i < to; i++) if ((patterns[i]! & MAGNITUDE) === bits) found++;
  return found;
}
