import type { TensorTask } from "../../method.ts";
import { countersOf, dropout } from "./dropout.ts";
import { numbersOf } from "./parameters.ts";
import { seedOf } from "./random.ts";
import type { Sparsifier } from "./sparse.ts";

/** Keeps each difference with the probability `density` of its model; by seed, the model's digest, the tensor's name and the index. */
export function byChance({ name, seed, digests, parameters: { models } }: TensorTask): Sparsifier {
  const densities = numbersOf(models, "density");
  const seeds = digests.map((digest) => seedOf(seed, digest, name));
  return {
    reductions: [],
    over: (range) => (model, from, to, out) => {
      const values = range.models[model]!.subarray(from, to);
      if (densities[model]! >= 1) return values;
      dropout(values, range.first + from, seeds[model]!, densities[model]!, out);
      return out;
    },
    compiled: (range) => (model, from) => ({
      thinning:
        densities[model]! >= 1 ? { kind: "all" } : { kind: "chance", ...countersOf(range.first + from, seeds[model]!, densities[model]!) },
      until: Number.POSITIVE_INFINITY,
    }),
  };
}
