import type { Kernels, Thinning } from "#libs/kernels";
import type { Range } from "../../method.ts";

/** How a model is thinned out from an index of the range on, and up to which index before which that is so. */
export type ThinnedUntil = { readonly thinning: Thinning; readonly until: number };

/** The same for each model, with factors; an election where there are weights. */
export type CompiledSparse = {
  readonly thinningAt: (model: number, from: number) => ThinnedUntil;
  readonly factors: readonly number[];
  readonly election?: {
    readonly weights: readonly number[];
    readonly lambda: number;
    readonly normalized: boolean;
    readonly zeroIsPositive: boolean;
  };
};

/** The kernels where all numbers of a range lie in their memory, as float32, so that they can do the same in less time. */
export function kernelsOf({ kernels, models, base }: Range, out: Float64Array): Kernels | undefined {
  if (kernels === undefined || out.buffer !== kernels.memory.buffer) return undefined;
  return [...models, base!].every((values) => values instanceof Float32Array && values.buffer === out.buffer) ? kernels : undefined;
}

/** Base plus what is left of the models: what sparse.ts does without kernels, bit for bit. */
export function runCompiled(kernels: Kernels, { models, base, count }: Range, out: Float64Array, compiled: CompiledSparse): void {
  const { thinningAt, factors, election } = compiled;
  for (let from = 0; from < count; ) {
    const thinned = models.map((_, k) => thinningAt(k, from));
    const to = Math.min(count, ...thinned.map(({ until }) => until));
    const args = {
      models: models.map(({ byteOffset }) => byteOffset + 4 * from),
      base: base!.byteOffset + 4 * from,
      thinnings: thinned.map(({ thinning }) => thinning),
      factors,
      out: out.byteOffset + 8 * from,
      count: to - from,
    };
    if (election) kernels.electSparse({ ...args, ...election });
    else kernels.addSparse(args);
    from = to;
  }
}

/** Σ |τ| of a model and Σ of what stays, where it is thinned out in one way all through and its numbers lie where kernels reach them. */
export function compiledMagnitudes({ kernels, models, count }: Range, model: number, thinningAt: CompiledSparse["thinningAt"]) {
  const values = models[model]!;
  if (kernels === undefined || !(values instanceof Float32Array) || values.buffer !== kernels.memory.buffer) return undefined;
  const { thinning, until } = thinningAt(model, 0);
  return until < count ? undefined : kernels.magnitudes(values.byteOffset, thinning, count);
}
