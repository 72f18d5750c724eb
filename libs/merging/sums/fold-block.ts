import type { Values } from "../method.ts";
import { addToExpansion, productError } from "./expansion.ts";

/**
 * Exact sums of a block of numbers. The sum at i is lead[i] + Σ further[p][i], a canonical expansion (expansion.ts).
 * `negativeZeros[i]` counts the members whose product is -0 there: a sum is -0 only if all its products are. Where weights may add up to less
 * than zero, `positiveZeros[i]` counts those whose product is +0: the weights change their sign then. Absent means none.
 */
export type SumBlock = {
  readonly lead: Float64Array;
  readonly further: Float64Array[];
  readonly bothZeros: boolean;
  negativeZeros?: Float64Array | undefined;
  positiveZeros?: Float64Array | undefined;
};

/** One member's numbers in a block. Floats of at most 32 bits, so that products with weights in bounds are exact as two doubles. */
export type BlockMember = { readonly values: Values; readonly weight: number; readonly remove: boolean };

/** A block with these leading parts and no others. @param bothZeros whether +0 is counted as well */
export function emptyBlock(lead: Float64Array, bothZeros: boolean): SumBlock {
  return { lead, further: [], bothZeros };
}

/**
 * Adds weight · x to every sum, or takes it away, in place. Returns the index of the first number that is not finite, or -1; the block is void
 * then.
 * @param quick does it where doubles are enough, and gives the indices where they are not: only of a block without further parts
 */
export function foldBlock(block: SumBlock, member: BlockMember, quick?: () => ArrayLike<number>): number {
  // A product of 24 and 24 bits has 48: no double loses any of them.
  if (Math.fround(member.weight) !== member.weight) return foldProducts(block, member);
  return quick && block.further.length === 0 ? foldSome(block, member, quick()) : foldExactProducts(block, member);
}

/** Zeros that are counted, as addProducts of the kernels names them: by the sign of what is added, which is the other where it is taken away. */
export function countedZeros({ bothZeros }: SumBlock, { remove }: BlockMember): "negative" | "positive" | "both" {
  if (bothZeros) return "both";
  return remove ? "positive" : "negative";
}

/** Where a product is one double, and mostly the sum as well. */
function foldExactProducts(block: SumBlock, member: BlockMember): number {
  for (let i = 0; i < block.lead.length; i++) if (!foldExactProduct(block, member, i)) return i;
  return -1;
}

function foldSome(block: SumBlock, member: BlockMember, indices: ArrayLike<number>): number {
  for (let at = 0; at < indices.length; at++) if (!foldExactProduct(block, member, indices[at]!)) return indices[at]!;
  return -1;
}

function foldExactProduct(block: SumBlock, { values, weight, remove }: BlockMember, i: number): boolean {
  const { lead, further } = block;
  const x = values[i]!;
  const term = (remove ? -weight : weight) * x;
  if (term - term !== 0) return false;
  if (term === 0) {
    countZero(block, i, weight * x, remove);
    return true;
  }
  const old = lead[i]!;
  const sum = old + term;
  const virtual = sum - old;
  const lost = old - (sum - virtual) + (term - virtual);
  if (lost === 0 && (further.length === 0 || further[0]![i] === 0)) lead[i] = sum;
  else if (!addToPair(block, i, sum, lost, 0)) addToParts(block, i, term, 0);
  return true;
}

/** Where a product is two doubles, and mostly the sum as well. */
function foldProducts(block: SumBlock, { values, weight, remove }: BlockMember): number {
  const { lead, further } = block;
  const factor = remove ? -weight : weight;
  if (further.length === 0) further.push(new Float64Array(lead.length));
  const second = further[0]!;
  for (let i = 0; i < lead.length; i++) {
    const x = values[i]!;
    const term = factor * x;
    if (term - term !== 0) return i;
    if (term === 0) {
      countZero(block, i, weight * x, remove);
      continue;
    }
    const tail = productError(factor, x, term);
    const old = lead[i]!;
    const sum = old + term;
    const virtual = sum - old;
    const lost = old - (sum - virtual) + (term - virtual);
    // addToPair, without the call.
    const low = second[i]!;
    const first = low + lost;
    const virtualFirst = first - low;
    const all = first + tail;
    const virtualAll = all - first;
    const rest = low - (first - virtualFirst) + (lost - virtualFirst) || first - (all - virtualAll) + (tail - virtualAll);
    if (rest !== 0 || (further.length > 1 && further[1]![i] !== 0)) {
      addToParts(block, i, term, tail);
      continue;
    }
    const high = sum + all;
    const virtualHigh = high - sum;
    lead[i] = high;
    second[i] = sum - (high - virtualHigh) + (all - virtualHigh);
  }
  return -1;
}

function countZero(block: SumBlock, i: number, zero: number, remove: boolean): void {
  if (Object.is(zero, -0)) {
    block.negativeZeros ??= new Float64Array(block.lead.length);
    block.negativeZeros[i]! += remove ? -1 : 1;
  } else if (block.bothZeros) {
    block.positiveZeros ??= new Float64Array(block.lead.length);
    block.positiveZeros[i]! += remove ? -1 : 1;
  }
}

/**
 * Two parts are enough where adding to the second loses nothing; two-sum makes them canonical. False if they are not, and nothing is done.
 * `sum` + `lost` is the leading part with the term added, `tail` what the product has lost.
 */
function addToPair({ lead, further }: SumBlock, i: number, sum: number, lost: number, tail: number): boolean {
  if (further.length === 0) further.push(new Float64Array(lead.length));
  if (further.length > 1 && further[1]![i] !== 0) return false;
  const second = further[0]!;
  const first = second[i]! + lost;
  const all = first + tail;
  if (!isExactSum(second[i]!, lost, first) || !isExactSum(first, tail, all)) return false;
  const high = sum + all;
  const virtual = high - sum;
  lead[i] = high;
  second[i] = sum - (high - virtual) + (all - virtual);
  return true;
}

function isExactSum(a: number, b: number, sum: number): boolean {
  const virtual = sum - a;
  return a - (sum - virtual) + (b - virtual) === 0;
}

/** The general way. */
function addToParts({ lead, further }: SumBlock, i: number, term: number, tail: number): void {
  const parts = [lead[i]!, ...further.map((plane) => plane[i]!)].filter((part) => part !== 0);
  const added = addToExpansion(addToExpansion(parts, term), tail);
  lead[i] = added[0] ?? 0;
  while (further.length < added.length - 1) further.push(new Float64Array(lead.length));
  for (const [p, plane] of further.entries()) plane[i] = added[p + 1] ?? 0;
}
