/** A running attempt as this service has seen it. Steps are those that it reports; of a prediction they are rows. */
export type Seen = {
  /** Since it began. */
  readonly seconds: number;
  /** The step of the checkpoint at which it began. */
  readonly fromStep: number;
  readonly step: number;
  /** In all; 0 while nobody knows. */
  readonly steps: number;
  /** From which another one would go on. */
  readonly checkpointStep: number;
};

/** Steps a second of such work, from the beginning of an attempt to its end: uploads and the reading of inputs count. */
export type Speeds = {
  /** Of the trainer that could begin beside it; undefined where it has done no such work yet. */
  readonly own: number | undefined;
  /** The median of attempts that completed such work, whoever ran them; undefined where there are none. */
  readonly usual: number | undefined;
};

/** Nobody is called slow sooner: the first steps are slow, and inputs have to be fetched. */
const FAIR_SECONDS = 5;
/** What is gained has to be worth that the same work is done twice. */
const LEAST_GAIN_SECONDS = 5;
/** How many times longer the rest has to take than all of it elsewhere: estimates are rough, and machines share their processors. */
const CLEARLY = 2;
/** Where nothing is known of the other trainer but how fast most are, an attempt has to be so many times slower than they. */
const MUCH_SLOWER = 3;

/**
 * The seconds by which a job is likely to end sooner if another trainer begins it now, beside an attempt that runs; undefined where that is
 * not clearly worth it. The rest of an attempt is extrapolated from what it has done; one that has done no step yet is taken to need as long
 * again as it has run (what has lasted long lasts long). The other trainer goes on from the newest checkpoint, at its own speed, or where
 * that is unknown at the usual one; then the attempt itself has to be much slower than is usual.
 * @example
 * ```ts
 * const slow = { seconds: 60, fromStep: 0, step: 10, steps: 100, checkpointStep: 0 };
 * gainOf(slow, { own: 5, usual: 5 }); // 520
 * gainOf({ ...slow, step: 95 }, { own: 5, usual: 5 }); // undefined
 * ```
 */
export function gainOf({ seconds, fromStep, step, steps, checkpointStep }: Seen, { own, usual }: Speeds): number | undefined {
  const speed = own ?? usual;
  if (seconds < FAIR_SECONDS || steps <= 0 || speed === undefined) return undefined;
  const done = step - fromStep;
  const rest = done > 0 ? (seconds * (steps - step)) / done : seconds;
  const whole = (steps - checkpointStep) / speed;
  if (own === undefined && done * MUCH_SLOWER > seconds * speed) return undefined;
  const gain = rest - whole;
  return rest > CLEARLY * whole && gain >= LEAST_GAIN_SECONDS ? gain : undefined;
}
