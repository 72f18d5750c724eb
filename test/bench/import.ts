import type { Benchmark } from "./benchmark.ts";
import { runScript } from "./child.ts";

/** What `import-process.ts` measures, in milliseconds: one number for each run. */
export type ImportTimes = {
  readonly tarMs: number[];
  /** Of the look at every image that a command takes before it imports. */
  readonly lookMs: number[];
  readonly importMs: number[];
  /** Of the client and the catalog together, of all cores. */
  readonly importCpuMs: number[];
  readonly againMs: number[];
  readonly peakBytes: number;
};

/** Images on their way into the catalog. */
export const importing: Benchmark = {
  summary: "10,000 images of 227 px from a folder into the catalog, against tar of the same to the disk",
  async run({ runs, say }) {
    say("importing 10,000 images and writing them with tar, in turns");
    const { tarMs, lookMs, importMs, importCpuMs, againMs, peakBytes } = await runScript<ImportTimes>("./import-process.ts", [
      String(runs),
    ]);
    return [
      { name: "tar", unit: "s", runs: tarMs.map(seconds) },
      { name: "look at each image", unit: "s", runs: lookMs.map(seconds) },
      { name: "import", unit: "s", runs: importMs.map(seconds) },
      { name: "import, CPU", unit: "s", runs: importCpuMs.map(seconds) },
      { name: "import, all there", unit: "s", runs: againMs.map(seconds) },
      { name: "speed of tar", unit: "x", runs: importMs.map((ms, i) => tarMs[i]! / ms), atLeast: 0.5 },
      { name: "peak memory", unit: "MB", runs: [peakBytes / 1e6] },
    ];
  },
};

function seconds(ms: number): number {
  return ms / 1000;
}
