import { type AdapterRequest, factorProblems, type GivenParameters, loraFileProblems, type Method } from "#libs/merging";
import type { Output } from "#libs/model-folders";
import type { ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { UsageError } from "#libs/service/process";
import { prepareAdapters } from "./prepare-adapters.ts";
import type { PreparedMerge } from "./prepared-merge.ts";
import { stemFor } from "./stem.ts";

/** What is averaged: adapters, and the model that they go into, or none. */
export type AdapterInputs = {
  readonly adapters: readonly ModelFiles[];
  readonly digests: readonly Digest[];
  readonly base: ModelFiles | undefined;
  readonly baseDigest: Digest | undefined;
};

/** How the mean of adapters is told of. */
export const adapterMethod: Pick<Method, "name" | "title" | "formula"> = {
  name: "adapters",
  title: "Mean of adapters",
  formula: "W = W₀ + Σ w_i s_i B_i A_i;  without a base one adapter with the same products, its rank the sum of the ranks",
};

/**
 * Whether models are adapters, all of them.
 * @throws UsageError where some are and some are not
 * @example
 * ```ts
 * areAdapters([{ name: "a", kind: "adapter" }]); // true
 * areAdapters([{ name: "a", kind: "file" }]); // false
 * ```
 */
export function areAdapters(models: readonly ModelFiles[]): boolean {
  const adapters = models.filter(({ kind }) => kind === "adapter");
  if (adapters.length === 0) return false;
  const other = models.find(({ kind }) => kind !== "adapter");
  if (other === undefined) return true;
  const [foreign] = loraFileProblems([other]);
  if (foreign) throw new UsageError(foreign.problem);
  throw new UsageError(
    `${adapters[0]!.name} is an adapter and ${other.name} is not; average adapters, and name the model under them with --base`,
  );
}

/** @throws UsageError where the factors of adapters cannot be merged each for itself */
export function requireLikeFactors(adapters: readonly ModelFiles[]): void {
  const problems = factorProblems(adapters);
  if (problems.length > 0) throw new UsageError(`--factors-apart: ${problems.join("; ")}`);
}

export type AdapterMeanOptions = {
  readonly method: string;
  readonly dtype?: AdapterRequest["dtype"];
  readonly maxShardSize: number;
  readonly exclude?: readonly string[] | undefined;
};

/** The mean of adapters: of their products, never of their factors apart. @throws UsageError for what has no meaning */
export function adapterMean(
  { adapters, digests, base, baseDigest }: AdapterInputs,
  given: GivenParameters,
  { method, dtype, maxShardSize, exclude }: AdapterMeanOptions,
  output: Output,
): PreparedMerge {
  if (method !== "linear")
    throw new UsageError(
      `--method ${method}: adapters have a mean only, of their products; --factors-apart merges the factors A and B themselves`,
    );
  if (base === undefined && output.kind === "file")
    throw new UsageError(`-o ${output.path}: an average of adapters is an adapter, a folder; with --base it is a model`);
  const weights = adapters.map((_, i) => Number(given.models?.[i]?.["weight"] ?? given.merge?.["weight"] ?? 1));
  const total = given.merge?.["normalize"] === false ? 1 : weights.reduce((a, b) => a + b, 0);
  if (total === 0) throw new UsageError(`the weights ${weights.join(", ")} sum to 0: give others, or --set normalize=false`);
  return prepareAdapters({
    ...{ adapters, digests, base, baseDigest, dtype, exclude: new Set(exclude) },
    weights: weights.map((weight) => weight / total),
    single: output.single,
    maxShardBytes: base === undefined ? undefined : maxShardSize,
    ...(base === undefined ? {} : stemFor([base])),
  });
}
