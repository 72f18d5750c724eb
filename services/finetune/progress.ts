import type { TrainProgress } from "#proto/ratatouille/v1/finetune_pb.ts";

/** How far jobs are, as their attempts report it. */
export type Progress = {
  reported(jobId: string, attempt: number, progress: TrainProgress): void;
  ended(jobId: string, attempt: number): void;
  /** Of the attempt that is furthest. */
  of(jobId: string): TrainProgress | undefined;
};

/** Nothing is reported yet. In memory: those that run report again. */
export function createProgress(): Progress {
  const jobs = new Map<string, Map<number, TrainProgress>>();
  return {
    reported(jobId, attempt, progress) {
      const own = jobs.get(jobId) ?? new Map<number, TrainProgress>();
      jobs.set(jobId, own.set(attempt, progress));
    },
    ended(jobId, attempt) {
      const own = jobs.get(jobId);
      own?.delete(attempt);
      if (own?.size === 0) jobs.delete(jobId);
    },
    of(jobId) {
      const all = [...(jobs.get(jobId)?.values() ?? [])];
      return all.reduce<TrainProgress | undefined>((best, one) => (best && best.step >= one.step ? best : one), undefined);
    },
  };
}
