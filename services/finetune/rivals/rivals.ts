import type { JobRecord } from "../job.ts";
import { gainOf } from "./gain.ts";
import type { Pace } from "./pace.ts";

/** Jobs that run on slow trainers, for those that have nothing to do. */
export type Rivals = {
  /** The job at which a trainer gains most, beside the one that has it; for a few seconds nobody else is offered it. Undefined: none. */
  offer(trainerId: string): string | undefined;
  /** Whether a trainer may begin a job beside the one that has it. */
  mayBegin(jobId: string, trainerId: string): boolean;
};

/** So long a trainer that is offered a job may take to begin, in milliseconds. */
const BEGIN_MS = 5_000;

/**
 * Nothing is offered yet.
 * @param fits whether a trainer can run a job
 */
export function createRivals(
  pace: Pick<Pace, "running" | "speeds">,
  fits: (job: JobRecord, trainerId: string) => boolean,
  now: () => number = () => performance.now(),
): Rivals {
  const offers = new Map<string, { readonly trainerId: string; readonly until: number }>();
  const offered = (jobId: string) => {
    const offer = offers.get(jobId);
    if (offer && offer.until > now()) return offer;
    offers.delete(jobId);
    return undefined;
  };
  return {
    offer(trainerId) {
      let best: { readonly id: string; readonly gain: number } | undefined;
      for (const { job, work, seen, ...running } of pace.running()) {
        if (job.live.length !== 1 || job.reproduce || running.trainerId === trainerId || offered(job.id)) continue;
        const gain = gainOf(seen, pace.speeds(work, trainerId));
        if (gain !== undefined && gain > (best?.gain ?? 0) && fits(job, trainerId)) best = { id: job.id, gain };
      }
      if (best) offers.set(best.id, { trainerId, until: now() + BEGIN_MS });
      return best?.id;
    },
    mayBegin: (jobId, trainerId) => trainerId !== "" && offered(jobId)?.trainerId === trainerId,
  };
}
