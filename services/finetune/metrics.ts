import { observe } from "#libs/telemetry";
import type { JobStore, QueueStats } from "./store.ts";

/** Shows in the metrics how many jobs wait for each device, and for how long the oldest of them. */
export function observeQueue(store: Pick<JobStore, "queueStats">): Disposable {
  const gauges = {
    "ratatouille.jobs.queued": { unit: "{job}", description: "Jobs that wait for a trainer." },
    "ratatouille.jobs.oldest_age": { unit: "s", description: "How long ago the oldest job that waits for a trainer was submitted." },
  };
  return observe(gauges, async () => {
    const stats = await store.queueStats();
    // A queue in which nobody waits is shown too.
    if (stats.every(({ device }) => device !== "cpu")) stats.push({ device: "cpu", queued: 0, oldestAgeMs: 0 });
    const each = (read: (queue: QueueStats) => number) =>
      stats.map((queue) => ({ value: read(queue), attributes: { "ratatouille.device": queue.device } }));
    return {
      "ratatouille.jobs.queued": each(({ queued }) => queued),
      "ratatouille.jobs.oldest_age": each(({ oldestAgeMs }) => oldestAgeMs / 1000),
    };
  });
}
