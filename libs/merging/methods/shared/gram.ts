/** Geometry of vectors that are known by their dot products only: gram[i * count + j] = ⟨x_i, x_j⟩. */

/** The lengths of the vectors. */
export function lengths(gram: Float64Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.sqrt(gram[i * count + i]!));
}

/** ⟨Σ a_i x_i, Σ b_j x_j⟩. */
export function product(gram: Float64Array, a: readonly number[], b: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) for (let j = 0; j < b.length; j++) total += a[i]! * gram[i * b.length + j]! * b[j]!;
  return total;
}

/** The length of Σ a_i x_i; rounding cannot make it less than 0. */
export function length(gram: Float64Array, a: readonly number[]): number {
  return Math.sqrt(Math.max(0, product(gram, a, a)));
}

/** The cosine between two of the vectors, within [-1, 1], and exactly 1 for equal ones; 0 where one is zero. */
export function cosine(gram: Float64Array, count: number, i: number, j: number): number {
  const inner = gram[i * count + j]!;
  const first = gram[i * count + i]!;
  const second = gram[j * count + j]!;
  if (first === 0 || second === 0) return 0;
  // The root of the product is exact for equal vectors; where the product is out of range, the product of the roots has to do.
  const square = first * second;
  const size = square > 0 && square < Number.POSITIVE_INFINITY ? Math.sqrt(square) : Math.sqrt(first) * Math.sqrt(second);
  return Math.min(1, Math.max(-1, inner / size));
}

/** Coefficients of differences to a base as coefficients of the models and of the base. */
export function fromBase(coefficients: readonly number[]): number[] {
  return [...coefficients, 1 - coefficients.reduce((total, value) => total + value, 0)];
}
