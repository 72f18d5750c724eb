/** Refused results of one trainer before it gets no more work. */
export const MOST_REFUSALS = 3;
/** Trainers whose results of one job were refused before the job is taken for what they all stumble over. */
const MOST_REFUSED_TRAINERS = 3;

/** What follows from a refused result. */
export type Verdict = {
  /** The trainer gets no more work. */
  readonly park: boolean;
  /** Others have failed at the job in the same way: it fails. */
  readonly failJob: boolean;
};

/** Results that were refused because they are not what their recipes make, by trainer and by job. */
export type Refusals = {
  /** Takes note of a refused result. @param trainerId of this life of the trainer: another one begins with nothing */
  add(jobId: string, trainerId: string): Verdict;
  /** The job has ended: of its trainers nothing is forgotten. */
  forget(jobId: string): void;
};

/** Nothing was refused yet. In memory, as trainers are. */
export function createRefusals(): Refusals {
  const ofTrainer = new Map<string, number>();
  const ofJob = new Map<string, Set<string>>();
  return {
    add(jobId, trainerId) {
      const count = (ofTrainer.get(trainerId) ?? 0) + 1;
      ofTrainer.set(trainerId, count);
      const trainers = (ofJob.get(jobId) ?? new Set()).add(trainerId);
      ofJob.set(jobId, trainers);
      return { park: count >= MOST_REFUSALS, failJob: trainers.size >= MOST_REFUSED_TRAINERS };
    },
    forget: (jobId) => void ofJob.delete(jobId),
  };
}
