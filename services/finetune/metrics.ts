import { observe } from "#libs/telemetry";
import type { JobStore } from "./store.ts";

/** Shows in the metrics how many jobs wait for each device, and for how long the oldest of them. */
export function observeQueue(store: Pick<JobStore, "queueStats">): Disposable {
  const gauges = {
    "ratatouille.jobs.queued": { unit: "{job}", description: "Jobs that wait for a trainer." },
    "ratatouille.jobs.oldest_age": { unit: "s", description: "How long ago the oldest job that waits for a trainer was submitted." },
  };
  return observe(gauges, async () => {
    const stats = await store.queueStats();
    const of = (value: (device: (typeof stats)[number]) => number) =>
      // A queue that nobody waits in is shown too.
      (stats.length > 0 ? stats : [{ device: "cpu", queued: 0, oldestAgeMs: 0 }]).map((device) => ({
        value: value(device),
        attributes: { "ratatouille.device": device.device },
      }));
    return { "ratatouille.jobs.queued": of(({ queued }) => queued), "ratatouille.jobs.oldest_age": of(({ oldestAgeMs }) => oldestAgeMs / 1000) };
  });
}
