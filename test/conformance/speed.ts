import type { Bench } from "./bench.ts";
import { ENDLESS, trainLong } from "./long-job.ts";

/** So long a training is watched. */
const WATCH_MS = 1500;

/** Fewer are no training. */
const LEAST = 20;

/** How many steps of a training take so long; the first time, a training is watched for it. */
export async function stepsFor(bench: Bench, ms: number): Promise<number> {
  bench.perSecond ??= await measureSpeed(bench);
  return Math.max(LEAST, Math.ceil((bench.perSecond * ms) / 1000));
}

/** Steps a second, as the trainer reports them, once a training has begun. */
async function measureSpeed(bench: Bench): Promise<number> {
  const { jobs } = bench;
  const { id, progress } = (await trainLong(bench, ENDLESS)).job;
  const first = progress!.step;
  const began = performance.now();
  for (let step = first; ; ) {
    step = (await jobs.trains(id, step)).progress!.step;
    const ms = performance.now() - began;
    if (ms < WATCH_MS) continue;
    await jobs.cancel(id);
    return (1000 * (step - first)) / ms;
  }
}
