import { runScript } from "../child.ts";
import type { Figure } from "../figures.ts";
import type { CheckpointTimes, TrainingCosts } from "./checkpoints-process.ts";

/** A training that is long enough for several checkpoints. They cost 2 % of the time where they keep to it, so large ones take long. */
export type CheckpointCase = { readonly network: string; readonly size: number; readonly batch: number; readonly steps: number };

/** Trainings with checkpoints as they are by default, against the same without, by our trainer, or by that for PyTorch. @throws Error where there were too few to say anything */
export async function checkpointFigures(
  { network, size, batch, steps }: CheckpointCase,
  turns: number,
  python?: string,
): Promise<Figure[]> {
  const args = [network, size, batch, steps, turns, ...(python === undefined ? [] : [python])].map(String);
  const times = await runScript<CheckpointTimes>("./train/checkpoints-process.ts", args);
  const counts = times.with.map(({ savedAt }) => savedAt.length);
  if (Math.min(...counts) < 2) throw new Error(`${network}: too few checkpoints to tell what they cost: ${counts.join(", ")}`);
  if (times.without.some(({ savedAt }) => savedAt.length > 0)) throw new Error(`${network}: checkpoints where there should be none`);
  const ratio = (of: (costs: TrainingCosts) => number) => times.with.map((costs, turn) => of(costs) / of(times.without[turn]!));
  const what = `${network}, ${size} px, ${steps} steps${python === undefined ? "" : " of PyTorch"}`;
  return [
    { name: `${what}: without checkpoints`, unit: "s", runs: times.without.map(({ wallMs }) => wallMs / 1000) },
    { name: "  with checkpoints / without", unit: "", runs: ratio(({ wallMs }) => wallMs), atMost: 1.02 },
    { name: "  CPU of trainer and services, with / without", unit: "", runs: ratio(({ cpuMs }) => cpuMs) },
    { name: "  checkpoints", unit: "", runs: counts, atLeast: 2 },
    { name: "  bytes of one", unit: "MB", runs: [times.bytes / 1e6] },
  ];
}
