/**
 * Times the training loop against the same steps with nothing around them, in turns, with the shape of the benchmark's fine-tuning.
 * Prints JSON: milliseconds of each turn.
 */
import { generateGlyphs } from "#libs/datasets";
import { initialWeights, openBackend, runBareSteps, type TrainStep, trainMlp } from "#libs/learning";
import type { TrainingParameters } from "#libs/recipes";
import type { TrainingLoopTimes } from "./training-loop.ts";

const turns = Number(process.argv[2] ?? 5);
const steps = 600;
const hidden = [256, 128];
const classes = 10;
const parameters: TrainingParameters = {
  architecture: "mlp",
  hidden,
  classes,
  steps,
  batch: 20,
  learningRate: 5e-3,
  weightDecay: 1e-4,
  dropout: 0.1,
  train: "all",
  keep: "last",
  validationFraction: 0.2,
  validateEvery: 0,
};
const domains = [1, 2, 3].map((seed) => generateGlyphs({ classes, images: 450, styles: ["plain"], rotation: 0.5, alphabetSeed: 1 }, seed));
const training = {
  backend: await openBackend("wasm"),
  parameters,
  seed: 1,
  weights: initialWeights({ hidden, classes, initSeed: 1 }),
  datasets: domains,
};

/** Milliseconds of all steps but the first, which comes with preparation. */
async function timeLoop(loop: AsyncGenerator<TrainStep>): Promise<number> {
  await loop.next();
  const startedMs = performance.now();
  for await (const _ of loop);
  return ((performance.now() - startedMs) * steps) / (steps - 1);
}

const withValidation = { ...training, parameters: { ...parameters, keep: "best" as const, validateEvery: 25 } };
runBareSteps(training, steps);
const [bareMs, loopMs, validatedMs]: [number[], number[], number[]] = [[], [], []];
for (let turn = 0; turn < turns; turn++) {
  bareMs.push(runBareSteps(training, steps));
  loopMs.push(await timeLoop(trainMlp(training)));
  validatedMs.push(await timeLoop(trainMlp(withValidation)));
}
const times: TrainingLoopTimes = { bareMs, loopMs, validatedMs, steps };
process.stdout.write(JSON.stringify(times));
