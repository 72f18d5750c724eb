import { counter, histogram } from "#libs/telemetry";

/** Steps of all trainings of this process. Its rate is how fast the trainer is now. */
export const trainingSteps = counter("ratatouille.training.steps", { unit: "{step}", description: "Training steps that were computed." });

/** Steps per second, once for each training. */
export const trainingSpeed = histogram("ratatouille.training.speed", {
  unit: "{step}/s",
  description: "Steps per second of each training, from its first step to its last.",
  boundaries: [10, 30, 100, 300, 1000, 3000, 10_000, 30_000],
});
