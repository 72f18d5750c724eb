import { initialWeights, type Training } from "../index.ts";
import { blobs } from "./examples.ts";

/** A training of the size of the benchmark's: 256-256-128-10 (99,978 parameters), 3 x 20 examples a step. */
export function benchmarkTraining(backend: Training["backend"], steps: number): Training {
  return {
    backend,
    seed: 5,
    parameters: {
      architecture: "mlp",
      hidden: [256, 128],
      classes: 10,
      steps,
      batch: 20,
      learningRate: 5e-3,
      weightDecay: 1e-4,
      dropout: 0.1,
      train: "all",
      keep: "best",
      validationFraction: 0.2,
      validateEvery: 25,
    },
    weights: initialWeights({ hidden: [256, 128], classes: 10, initSeed: 3 }),
    datasets: [1, 2, 3].map((seed) => blobs(seed, 449, 10, 256)),
  };
}
