/** Times of the recycling service, in milliseconds. */
export type Timing = {
  /** How long a service that does not answer is asked again before the run fails. */
  readonly patienceMs: number;
  /** Time between complete looks at the jobs of a run, whatever the watch of them has told. */
  readonly sweepMs: number;
  /** How long a run that has ended stays in memory. */
  readonly lingerMs: number;
  /** How long a run that may take any engine waits for a trainer that has one. */
  readonly trainerMs: number;
};

/** What is used unless something else is asked for. */
export const defaultTiming: Timing = { patienceMs: 60_000, sweepMs: 5_000, lingerMs: 60_000, trainerMs: 10_000 };
