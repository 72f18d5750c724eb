/**
 * Exact sums of doubles as sums of doubles (Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates",
 * 1997). Here an expansion is canonical: the first part is the sum rounded to nearest, the next what is left rounded to nearest, and so
 * on until nothing is left. So equal sums have equal parts, whatever they were added of, and zero has none.
 */

/** Adds a term to a canonical expansion. Exact as long as nothing overflows. */
export function addToExpansion(parts: readonly number[], term: number): number[] {
  return canonical(grow(ascending(parts), term));
}

/** The canonical expansion of Σ terms. */
export function expansionOf(terms: Iterable<number>): number[] {
  let sum: number[] = [];
  for (const term of terms) sum = grow(sum, term);
  return canonical(sum);
}

function ascending(parts: readonly number[]): number[] {
  return parts.toReversed();
}

/** Shewchuk's GROW-EXPANSION with elimination of zeros: parts of ascending magnitude that do not overlap. */
function grow(parts: readonly number[], term: number): number[] {
  const grown: number[] = [];
  let carry = term;
  for (const part of parts) {
    const sum = carry + part;
    const virtual = sum - carry;
    const lost = carry - (sum - virtual) + (part - virtual);
    if (lost !== 0) grown.push(lost);
    carry = sum;
  }
  if (carry !== 0) grown.push(carry);
  return grown;
}

/** Takes the nearest double away until nothing is left. */
function canonical(parts: readonly number[]): number[] {
  const found: number[] = [];
  let rest = parts;
  while (rest.length > 0) {
    const nearest = nearestDouble(rest);
    found.push(nearest);
    rest = grow(rest, -nearest);
  }
  return found;
}

/**
 * The sum of parts that do not overlap, rounded to nearest, ties to even: from the largest part down until something is lost; what is
 * lost decides, but for a tie, which the sign of the next part breaks (Python's `fsum`).
 */
function nearestDouble(parts: readonly number[]): number {
  let index = parts.length - 1;
  let high = parts[index]!;
  let lost = 0;
  while (index > 0 && lost === 0) {
    const part = parts[--index]!;
    const sum = high + part;
    lost = part - (sum - high);
    high = sum;
  }
  if (index > 0 && lost !== 0 && lost < 0 === parts[index - 1]! < 0) {
    const twice = 2 * lost;
    const up = high + twice;
    if (up - high === twice) return up;
  }
  return high;
}

const SPLITTER = 2 ** 27 + 1;

/** What the product of two doubles loses when it is rounded to `product`, exactly (Dekker 1971, Veltkamp's splitting). */
export function productError(a: number, b: number, product: number): number {
  const wideA = SPLITTER * a;
  const highA = wideA - (wideA - a);
  const lowA = a - highA;
  const wideB = SPLITTER * b;
  const highB = wideB - (wideB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
