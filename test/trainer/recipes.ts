import { arithmetics, type Digest, type Recipe } from "#libs/recipes";

/** Symbols that take a moment to draw. */
export const drawn: Recipe = {
  kind: "dataset",
  inputs: {},
  seed: 5,
  parameters: { generator: "glyphs/1", classes: 6, images: 120, styles: ["plain", "noise"], rotation: 0.2, alphabetSeed: 9 },
};

/** Training from random weights; `changes` replace parameters. */
export function pretraining(dataset: Digest, changes: { readonly [name: string]: number | string } = {}): Recipe {
  const parameters = {
    architecture: "mlp",
    hidden: [64, 32],
    classes: 6,
    steps: 60,
    batch: 16,
    learningRate: 3e-3,
    weightDecay: 0,
    dropout: 0,
    train: "all",
    keep: "best",
    validationFraction: 0.2,
    validateEvery: 20,
    initSeed: 3,
    ...changes,
  };
  return { kind: "pretrain", inputs: { datasets: [dataset] }, seed: 7, arithmetic: arithmetics.wasm, parameters };
}

/** A training that takes some seconds, for tests that stop it in the middle. */
export function longTraining(dataset: Digest, steps = 1800): Recipe {
  const { parameters, ...rest } = pretraining(dataset, { steps, batch: 64 });
  return { ...rest, parameters: { ...parameters, hidden: [256, 128] } };
}
