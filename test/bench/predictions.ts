import type { Benchmark } from "./benchmark.ts";
import { runScript } from "./child.ts";
import type { Figure } from "./figures.ts";
import type { PredictionCost, PredictionCosts } from "./predictions-process.ts";

const NETWORK = "vit_base_patch16_224";
const SIZE = 32;
const MEMBERS = 8;
const POINTS = 9;

/** Greedy selections and curves over models of 343 MB: what the trainer moves for them, and the memory it takes. */
export const predictions: Benchmark = {
  summary: "a greedy selection over 8 models of 343 MB and a curve of 9 points between two: bytes that the trainer moves, its memory",
  async run({ say }) {
    say(`${MEMBERS} models, each mean that a greedy selection may try, ${POINTS} points of a curve`);
    const args = [NETWORK, SIZE, MEMBERS, POINTS].map(String);
    return figuresOf(await runScript<PredictionCosts>("./predictions-process.ts", args));
  },
};

function figuresOf({ modelBytes, singles, greedy, curve }: PredictionCosts): Figure[] {
  const all = [...singles, ...greedy, ...curve];
  const moved = (costs: readonly PredictionCost[]) => costs.reduce((sum, { downloadedBytes }) => sum + downloadedBytes, 0);
  const peaks = greedy.map(({ peakBytes }) => peakBytes);
  const oncePerPoint = all.reduce((sum, { models }) => sum + models, 0) * (modelBytes / singles.length);
  const seconds = (costs: readonly PredictionCost[]) => costs.map(({ ms }) => ms / 1000);
  return [
    { name: "models", unit: "MB", runs: [modelBytes / 1e6] },
    { name: "moved to the trainer / models", unit: "", runs: [moved(all) / modelBytes], atMost: 1.05 },
    { name: "  by the selection and the curve", unit: "MB", runs: [moved([...greedy, ...curve]) / 1e6] },
    { name: "  if each point moved its models, / models", unit: "", runs: [oncePerPoint / modelBytes] },
    { name: "most memory after means of 2", unit: "MB", runs: [peaks[0]! / 1e6] },
    { name: `  of ${greedy.at(-1)?.models} / of 2`, unit: "", runs: [peaks.at(-1)! / peaks[0]!], atMost: 1.1 },
    { name: "a prediction of one model", unit: "s", runs: seconds(singles) },
    { name: "a prediction of a mean of 2 to 8", unit: "s", runs: seconds(greedy) },
    { name: "a point of the curve", unit: "s", runs: seconds(curve) },
  ];
}
