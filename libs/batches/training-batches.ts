import type { Loader } from "./loader.ts";
import { openSampling, placeOf } from "./sampling.ts";
import type { Batch, BatchSource } from "./types.ts";

export type TrainingBatchesOptions = {
  readonly loader: Loader;
  /** The rows of each domain that is trained on: at least one each. Its place here is what random numbers are drawn by. */
  readonly domains: readonly ArrayLike<number>[];
  readonly seed: number;
  /** Rows of each domain in every step. */
  readonly batch: number;
  /** Whether a row may come again before all others have come. */
  readonly replacement: boolean;
  /** Name of a preset of #libs/images. */
  readonly transform: string;
  /** The step that is asked for first, from 1: training goes on there as if it had never ended. */
  readonly fromStep?: number;
};

/**
 * The batches of a training: those of a step have `batch` rows of the first domain, then of the second, and so on. What a step has depends
 * on the seed and the step alone, not on threads, on what is kept or on the step that was first. Batches of the next steps are made
 * meanwhile. A batch rejects as Loader.load does, and with RangeError for a step that is not the next one. Disposing waits for what is under way;
 * the loader stays open.
 */
export function openBatches({ loader, domains, seed, batch, replacement, transform, fromStep = 1 }: TrainingBatchesOptions): BatchSource {
  const empty = domains.findIndex((rows) => rows.length === 0);
  if (empty >= 0) throw new RangeError(`domain ${empty} has no rows: there is nothing to draw from`);
  const samplesOf = openSampling({ seed, sizes: domains.map((rows) => rows.length), batch, replacement });
  const made = new Map<number, Promise<Batch>>();
  let next = fromStep;

  function begin(step: number): void {
    if (made.has(step)) return;
    const wanted = samplesOf(step).map(({ domain, position, index }) => ({
      row: domains[domain]![index]!,
      draw: { seed, place: placeOf(domain, position) },
    }));
    const promise = loader.load(wanted, transform);
    // Told when its step is asked for, if ever.
    promise.catch(() => undefined);
    made.set(step, promise);
  }

  return {
    batch(step) {
      if (step !== next) return Promise.reject(new RangeError(`step ${step} was asked for, and ${next} comes next`));
      for (let i = 0; i <= loader.ahead; i++) begin(step + i);
      const promise = made.get(step)!;
      made.delete(step);
      next++;
      return promise;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(made.values());
      made.clear();
    },
  };
}
