import type { Benchmark } from "./benchmark.ts";
import { runScript } from "./child.ts";
import type { Figure } from "./figures.ts";

/** What training-loop-process.ts prints. */
export type TrainingLoopTimes = {
  readonly bareMs: readonly number[];
  readonly loopMs: readonly number[];
  readonly validatedMs: readonly number[];
  readonly steps: number;
};

/** The training loop (as services run it) against bare steps. */
export const trainingLoop: Benchmark = {
  summary: "the training loop against the same steps with nothing around them",
  async run({ runs, say }) {
    say("training loop against bare steps");
    return trainingLoopFigures(await runScript<TrainingLoopTimes>("./training-loop-process.ts", [String(Math.max(3, runs * 2))]));
  },
};

function trainingLoopFigures({ bareMs, loopMs, validatedMs, steps }: TrainingLoopTimes): Figure[] {
  const perSecond = (times: readonly number[]) => times.map((ms) => (steps * 1000) / ms);
  const share = (times: readonly number[]) => times.map((ms, turn) => bareMs[turn]! / ms);
  return [
    { name: "bare training steps", unit: "steps/s", runs: perSecond(bareMs) },
    { name: "training loop", unit: "steps/s", runs: perSecond(loopMs) },
    { name: "training loop / bare steps", unit: "", runs: share(loopMs), atLeast: 0.95 },
    { name: "the same with validation every 25 steps", unit: "", runs: share(validatedMs) },
  ];
}
