import { createHash } from "node:crypto";
import { sub, uniform } from "#libs/deterministic";
import type { TrainingParameters } from "#libs/recipes";
import { initialWeights, type LabelledData, type Training, type TrainResult, type TrainStep, trainMlp, type Weights } from "../index.ts";

/** Seeded points around one centre for each class: data that a network can learn. */
export function blobs(seed: number, count: number, classes: number, features: number): LabelledData {
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const images = new Float32Array(count * features);
  for (let row = 0; row < count; row += 1) {
    for (let k = 0; k < features; k += 1) {
      const centre = uniform(sub(1000, labels[row]!), k);
      images[row * features + k] = 2 * centre + uniform(sub(seed, row), k);
    }
  }
  return { images, labels, count, features };
}

/** Parameters of a small training; `changes` replace some of them. */
export function smallParameters(changes: Partial<TrainingParameters> = {}): TrainingParameters {
  return {
    architecture: "mlp",
    hidden: [12, 9],
    classes: 4,
    steps: 40,
    batch: 5,
    learningRate: 5e-3,
    weightDecay: 1e-4,
    dropout: 0.25,
    train: "all",
    keep: "best",
    validationFraction: 0.2,
    validateEvery: 7,
    ...changes,
  };
}

/** A small training on two data sets with 10 features. */
export function smallTraining(backend: Training["backend"], changes: Partial<TrainingParameters> = {}): Training {
  const parameters = smallParameters(changes);
  return {
    backend,
    parameters,
    seed: 11,
    weights: initialWeights({ features: 10, hidden: parameters.hidden, classes: parameters.classes, initSeed: 3 }),
    datasets: [blobs(1, 60, 4, 10), blobs(2, 45, 4, 10)],
  };
}

/** Runs a training to its end. */
export async function finish(training: Training, onStep: (step: TrainStep) => void = () => {}): Promise<TrainResult> {
  const steps = trainMlp(training);
  for (;;) {
    const next = await steps.next();
    if (next.done) return next.value;
    onStep(next.value);
  }
}

/** The sha-256 of names, shapes and bytes of weights. */
export function digestOfWeights(weights: Weights): string {
  const hash = createHash("sha256");
  for (const [name, { shape, data }] of weights) {
    hash.update(`${name} ${shape}\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
