import { finish } from "#libs/concurrency";
import { prepare } from "./prepare.ts";
import { createStepper } from "./stepper.ts";
import type { Training } from "./train.ts";

/**
 * Runs `steps` steps of a training and nothing else, for benchmarks.
 * @returns milliseconds that the steps took, without preparation.
 */
export function runBareSteps(training: Training, steps: number): number {
  const { backend, parameters, seed, weights, datasets } = training;
  const prepared = finish(prepare(backend, parameters, weights, datasets));
  using workspace = backend.workspace();
  const zeros = () => new Float32Array(prepared.layout.size);
  const state = { parameters: prepared.parameters, firstMoment: zeros(), secondMoment: zeros() };
  const stepper = createStepper(workspace, prepared.layout, state, { ...parameters, datasets: prepared.training, seed });
  const start = performance.now();
  for (let step = 1; step <= steps; step += 1) stepper.step(step);
  return performance.now() - start;
}
