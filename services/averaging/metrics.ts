import { histogram } from "#libs/telemetry";

/** Bytes of members that were read and averaged in a second, once for each average. */
export const averagingThroughput = histogram("ratatouille.averaging.throughput", {
  unit: "By/s",
  description: "Bytes of the averaged models per second, of each average.",
  boundaries: [1e5, 1e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10],
});
