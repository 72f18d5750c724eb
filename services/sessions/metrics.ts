import { counter, histogram, type Observed, observe } from "#libs/telemetry";
import type { SessionContext } from "./context.ts";

const contributions = counter("ratatouille.averaging.contributions", {
  unit: "{contribution}",
  description: "Contributions to sessions, by outcome.",
});
const received = counter("ratatouille.averaging.contribution.io", {
  unit: "By",
  description: "Bytes of contributions that were received.",
});
const foldThroughput = histogram("ratatouille.averaging.fold.throughput", {
  unit: "By/s",
  description: "Bytes of contributions that were folded per second, of each fold.",
  boundaries: [1e5, 1e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10],
});

/** Counts the end of a contribution. `bytes` are those that this call brought. */
export function countContribution(outcome: "committed" | "existed" | "refused" | "interrupted" | "withdrawn", bytes: number): void {
  contributions.add(1, { "ratatouille.outcome": outcome });
  if (bytes > 0) received.add(bytes);
}

export function countFolded(bytes: number, seconds: number): void {
  foldThroughput.record(bytes / Math.max(seconds, 1e-6));
}

/** Gauges of what sessions take at this moment, each with its limit beside it. */
export function observeSessions({ store, staging, claims }: Pick<SessionContext, "store" | "staging" | "claims">): Disposable {
  const one = (value: number): readonly Observed[] => [{ value }];
  return observe(
    {
      "ratatouille.averaging.sessions": { unit: "{session}", description: "Open sessions." },
      "ratatouille.averaging.streams": { unit: "{stream}", description: "Calls that send contributions." },
      "ratatouille.averaging.staging": { unit: "By", description: "What staged contributions take." },
    },
    async () => ({
      "ratatouille.averaging.sessions": one((await store.all("open")).length),
      "ratatouille.averaging.streams": one(claims.count),
      "ratatouille.averaging.staging": one(staging.bytes),
    }),
  );
}
