import { mersenneTwister } from "../mersenne-twister.ts";

/** PyTorch's random numbers on the CPU, in the order in which they are drawn. Only for what others have published with them. */
export type TorchGenerator = {
  /** `torch.randperm(count)`, for fewer than 2^31 / 10 numbers. */
  permutation(count: number): Int32Array;
  /** `torch.rand(count)`: multiples of 2^-24 in [0, 1). */
  uniform(count: number): Float32Array;
};

/**
 * The generator after `torch.manual_seed(seed)`.
 * Source: aten's CPUGeneratorImpl, TensorFactories (randperm_cpu) and DistributionsHelper (uniform_real_distribution).
 * @param seed a whole number from 0 to 2^32 - 1.
 * @example
 * ```ts
 * const torch = torchGenerator(0);
 * [...torch.permutation(12)]; // [8, 0, 5, 9, 7, 4, 2, 10, 3, 1, 11, 6]
 * torch.uniform(1)[0]; // 0.40171730518341064
 * ```
 */
export function torchGenerator(seed: number): TorchGenerator {
  const word = mersenneTwister(seed);
  return {
    permutation(count) {
      const values = Int32Array.from({ length: count }, (_, i) => i);
      for (let i = 0; i < count - 1; i++) {
        const j = i + (word() % (count - i));
        const value = values[i]!;
        values[i] = values[j]!;
        values[j] = value;
      }
      return values;
    },
    uniform: (count) => Float32Array.from({ length: count }, () => (word() & 0xffffff) * 2 ** -24),
  };
}
