import { isFixed, presetOf } from "#libs/images";
import type { Loader, Wanted } from "./loader.ts";
import type { Batch } from "./types.ts";

/** The domain of draws that belong to no training. */
const PASS = 0xffffffff;

export type PassOptions = {
  readonly loader: Loader;
  /** In the order in which they come. */
  readonly rows: ArrayLike<number>;
  /** Most rows of a batch. */
  readonly batch: number;
  /** Name of a preset of #libs/images. */
  readonly transform: string;
  /** Needed where the transform draws: row r has the numbers of the place [2^32 - 1, r, 0], in every pass the same. */
  readonly seed?: number;
};

/**
 * All rows once, in their order, for validation and prediction. The next batches are made while one is used. Throws as Loader.load does, and
 * RangeError for a transform that draws without a seed. What is under way ends before the iteration does.
 */
export async function* eachBatch({ loader, rows, batch, transform, seed }: PassOptions): AsyncGenerator<Batch, void, undefined> {
  if (seed === undefined && !presetOf(transform).every(isFixed)) throw new RangeError(`${transform} draws at random, and there is no seed`);
  const wanted = (row: number): Wanted => (seed === undefined ? { row } : { row, draw: { seed, place: [PASS, row, 0] } });
  const made: Promise<Batch>[] = [];
  let begun = 0;
  try {
    while (begun < rows.length || made.length > 0) {
      while (begun < rows.length && made.length <= loader.ahead) {
        const count = Math.min(batch, rows.length - begun);
        const first = begun;
        const promise = loader.load(
          Array.from({ length: count }, (_, i) => wanted(rows[first + i]!)),
          transform,
        );
        promise.catch(() => undefined);
        made.push(promise);
        begun += count;
      }
      yield await made.shift()!;
    }
  } finally {
    await Promise.allSettled(made);
  }
}
