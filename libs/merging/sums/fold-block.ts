import type { Values } from "../method.ts";
import { addToExpansion, productError } from "./expansion.ts";

/**
 * Exact sums of a block of numbers. The sum at i is lead[i] + Σ further[p][i], a canonical expansion (expansion.ts).
 * `negativeZeros[i]` counts the members whose product is -0 there: a sum is -0 only if all its products are. Absent means none.
 */
export type SumBlock = {
  readonly lead: Float64Array;
  readonly further: Float64Array[];
  negativeZeros?: Float64Array | undefined;
};

/** One member's numbers in a block. Floats of at most 32 bits, so that products with weights in bounds are exact as two doubles. */
export type BlockMember = { readonly values: Values; readonly weight: number; readonly remove: boolean };

/** A block of which nothing is the sum. */
export function emptyBlock(count: number): SumBlock {
  return { lead: new Float64Array(count), further: [] };
}

/** Adds weight · x to every sum, or takes it away, in place. Returns the index of the first number that is not finite, or -1; the block is void then. */
export function foldBlock(block: SumBlock, { values, weight, remove }: BlockMember): number {
  const { lead, further } = block;
  const factor = remove ? -weight : weight;
  // A product of 24 and 24 bits has 48: no double loses any of them.
  const exactProducts = Math.fround(weight) === weight && Math.abs(weight) > 2 ** -126;
  for (let i = 0; i < lead.length; i++) {
    const x = values[i]!;
    const term = factor * x;
    if (term - term !== 0) return i;
    if (term === 0) {
      if (Object.is(weight * x, -0)) countNegativeZero(block, i, remove);
      continue;
    }
    const old = lead[i]!;
    const sum = old + term;
    const virtual = sum - old;
    const lost = old - (sum - virtual) + (term - virtual);
    if (lost === 0 && exactProducts && (further.length === 0 || further[0]![i] === 0)) lead[i] = sum;
    else addSlowly(block, i, sum, lost, term, exactProducts ? 0 : productError(factor, x, term));
  }
  return -1;
}

function countNegativeZero(block: SumBlock, i: number, remove: boolean): void {
  block.negativeZeros ??= new Float64Array(block.lead.length);
  block.negativeZeros[i]! += remove ? -1 : 1;
}

/** Where one double is not enough. `sum` + `lost` is the leading part with the term added; `tail` is what the product lost. */
function addSlowly(block: SumBlock, i: number, sum: number, lost: number, term: number, tail: number): void {
  const { lead, further } = block;
  if (further.length === 0) further.push(new Float64Array(lead.length));
  const second = further[0]!;
  const low = second[i]! + lost + tail;
  // Two parts and nothing lost on the way: two-sum makes them canonical.
  if (further.length === 1 || further[1]![i] === 0) {
    const afterLost = second[i]! + lost;
    const exact = isExactSum(second[i]!, lost, afterLost) && isExactSum(afterLost, tail, low);
    if (exact) {
      const high = sum + low;
      const virtual = high - sum;
      lead[i] = high;
      second[i] = sum - (high - virtual) + (low - virtual);
      return;
    }
  }
  const parts = [lead[i]!, ...further.map((plane) => plane[i]!)].filter((part) => part !== 0);
  const added = addToExpansion(addToExpansion(parts, term), tail);
  lead[i] = added[0] ?? 0;
  while (further.length < added.length - 1) further.push(new Float64Array(lead.length));
  further.forEach((plane, p) => {
    plane[i] = added[p + 1] ?? 0;
  });
}

function isExactSum(a: number, b: number, sum: number): boolean {
  const virtual = sum - a;
  return a - (sum - virtual) + (b - virtual) === 0;
}

/** Drops planes, from the last, and counts that hold nothing any more. */
export function compressBlock(block: SumBlock): void {
  while (block.further.at(-1)?.every((part) => part === 0)) block.further.pop();
  if (block.negativeZeros?.every((count) => count === 0)) block.negativeZeros = undefined;
}
