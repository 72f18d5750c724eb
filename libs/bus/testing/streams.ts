import type { StreamDeclaration } from "../index.ts";

/** What a bus under test keeps. */
export const contractStreams: readonly StreamDeclaration[] = [
  { name: "WORK_TEST", subjects: ["ratatouille.v1.work.test"], retention: "work", maxAgeMs: 0 },
  { name: "WORK_CPU", subjects: ["ratatouille.v1.work.cpu.>"], retention: "work", maxAgeMs: 0 },
  {
    name: "EVENTS",
    subjects: ["ratatouille.v1.job.finished", "ratatouille.v1.run.finished"],
    retention: "events",
    maxAgeMs: 3_600_000,
  },
];
