import type { Recipe } from "#libs/recipes";
import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Bench } from "./bench.ts";

/** More steps than any trainer does while somebody watches. */
export const ENDLESS = 100_000_000;

/** Submits a training, and waits until the trainer reports of a step of it. */
export async function trainLong(
  bench: Bench,
  steps: number,
  runId = "conformance",
): Promise<{ readonly job: Job; readonly recipe: Recipe }> {
  await bench.trainer();
  const task = await bench.task();
  const recipe = task.training({ seed: bench.newSeed(), steps });
  const { id } = await bench.jobs.submit(recipe, task, { runId });
  return { job: await bench.jobs.trains(id), recipe };
}

/** Submits a short training, waits until it is done, and gives how long that took, from when it was submitted. */
export async function trainShort(
  { jobs, task, newSeed, options }: Bench,
  timeoutMs?: number,
): Promise<{ readonly job: Job; readonly ms: number }> {
  const recipes = await task();
  const began = performance.now();
  const { id } = await jobs.submit(recipes.training({ seed: newSeed(), steps: Math.min(20, options.steps) }), recipes);
  return { job: await jobs.succeeded(id, timeoutMs), ms: performance.now() - began };
}
