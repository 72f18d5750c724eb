import { openDescriptors, readAt } from "#libs/files";
import { type Dtype, dtypes, widen } from "#libs/tensors";

/** A matrix in a file, rows by columns. */
export type FactorSource = {
  readonly file: number;
  readonly offset: number;
  readonly dtype: Dtype;
  readonly rows: number;
  readonly columns: number;
};
/** What each adapter adds to one weight, or nothing. */
export type AdapterWeightsUnit = {
  readonly modules: readonly ({ readonly a: FactorSource; readonly b: FactorSource; readonly scaling: number } | undefined)[];
};
/** Dot products of what the adapters add to one weight; and of each adapter the first number of A and of B that is not finite (−1: none). */
export type AdapterProducts = { readonly gram: Float64Array; readonly broken: readonly { readonly a: number; readonly b: number }[] };

/** What runs in each thread of a full check of adapters. */
export function setup({ paths }: { readonly paths: readonly string[] }): { run(unit: AdapterWeightsUnit): AdapterProducts; close(): void } {
  const descriptors = openDescriptors();

  function read({ file, offset, dtype, rows, columns }: FactorSource): Float64Array {
    const path = paths[file]!;
    const bytes = new Uint8Array((rows * columns * dtypes.get(dtype)!.bits) / 8);
    const read = readAt(descriptors.of(path, "r"), bytes, offset);
    if (read < bytes.length) throw new RangeError(`${path} became shorter while it was read: it ends at byte ${offset + read}`);
    const values = new Float64Array(rows * columns);
    widen(dtype, bytes, values);
    return values;
  }

  return {
    run({ modules }) {
      const factors = modules.map((module) => module && { ...module, rank: module.a.rows, left: read(module.b), right: read(module.a) });
      const broken = factors.map((factor) => ({ a: firstBroken(factor?.right), b: firstBroken(factor?.left) }));
      const gram = new Float64Array(factors.length * factors.length);
      for (const [i, p] of factors.entries()) {
        for (const [j, q] of factors.entries()) {
          if (j < i || p === undefined || q === undefined) continue;
          if ([i, j].some((k) => broken[k]!.a >= 0 || broken[k]!.b >= 0)) continue;
          gram[i * factors.length + j] = p.scaling * q.scaling * productOfProducts(p, q);
          gram[j * factors.length + i] = gram[i * factors.length + j]!;
        }
      }
      return { gram, broken };
    },
    close: () => descriptors[Symbol.dispose](),
  };
}

type Product = { readonly rank: number; readonly left: Float64Array; readonly right: Float64Array };

/** ⟨B₁A₁, B₂A₂⟩ = Σ (B₁ᵀB₂) ∘ (A₁A₂ᵀ): ranks by ranks, never the product itself. */
function productOfProducts(p: Product, q: Product): number {
  const rows = p.left.length / p.rank;
  const columns = p.right.length / p.rank;
  let sum = 0;
  for (let i = 0; i < p.rank; i++) {
    for (let j = 0; j < q.rank; j++) {
      let left = 0;
      for (let row = 0; row < rows; row++) left += p.left[row * p.rank + i]! * q.left[row * q.rank + j]!;
      let right = 0;
      for (let column = 0; column < columns; column++) right += p.right[i * columns + column]! * q.right[j * columns + column]!;
      sum += left * right;
    }
  }
  return sum;
}

function firstBroken(values: Float64Array | undefined): number {
  return values?.findIndex((value) => !Number.isFinite(value)) ?? -1;
}
