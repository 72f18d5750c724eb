/** The share of the time of a training that its checkpoints may cost. */
const MOST_SHARE = 0.02;

/** What checkpoints have taken from a training so far: their copies, and the work of processors on them. All in milliseconds. */
export type CheckpointCosts = {
  /** Of the last one. */
  readonly costMs: number;
  /** Of all of them. */
  readonly spentMs: number;
  /** Since the training began. */
  readonly trainedMs: number;
};

/**
 * How long to train before the next checkpoint, in milliseconds: at least `everyMs`, and so long that all of them, with one more that costs
 * as much as the last, have taken no more than 2 % of the time. Nothing is known of the first one; what it took too much is made up for.
 * @example
 * ```ts
 * checkpointPauseMs({ everyMs: 5000, costMs: 4, spentMs: 4, trainedMs: 5000 }); // 5000
 * checkpointPauseMs({ everyMs: 5000, costMs: 600, spentMs: 600, trainedMs: 6000 }); // 54000
 * ```
 */
export function checkpointPauseMs({ everyMs, costMs, spentMs, trainedMs }: CheckpointCosts & { readonly everyMs: number }): number {
  return Math.max(everyMs, Math.ceil((spentMs + costMs) / MOST_SHARE - trainedMs));
}
