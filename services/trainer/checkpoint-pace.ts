/** The share of the time of a training that its checkpoints may cost. */
const MOST_SHARE = 0.02;

/**
 * How long to train before the next checkpoint, in milliseconds: at least `everyMs`, and so long that one that costs as much as the last
 * takes no more than 2 % of the time. Nothing is known of the first one.
 * @param costMs what the last one took from the training: its copy, and the work of the processor on it
 * @example
 * ```ts
 * checkpointPauseMs({ everyMs: 5000, costMs: 4 }); // 5000
 * checkpointPauseMs({ everyMs: 5000, costMs: 600 }); // 29400
 * ```
 */
export function checkpointPauseMs({ everyMs, costMs }: { readonly everyMs: number; readonly costMs: number }): number {
  return Math.max(everyMs, Math.ceil((costMs * (1 - MOST_SHARE)) / MOST_SHARE));
}
