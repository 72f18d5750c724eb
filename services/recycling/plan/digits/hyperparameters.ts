import { sub, uniform } from "#libs/deterministic";
import type { FineTuning } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Hyperparameters } from "../sets.ts";

/**
 * Draws a member's hyper-parameters from the mild ranges. Member m of every set of a cell gets the same ones, so that sets differ only in
 * where their members start. `cellSeed` is sub(run seed, 300 + index of the held-out domain).
 */
export function drawHyperparameters(cellSeed: number, member: number, fineTuning: FineTuning): Hyperparameters {
  const seed = sub(cellSeed, 77);
  const pick = (values: readonly number[], position: number, none: number): number =>
    values[Math.floor(values.length * uniform(seed, 3 * member + position))] ?? none;
  return {
    learningRate: (fineTuning.training?.learningRate ?? 0) * pick(fineTuning.learningRateFactors, 0, 1),
    dropout: pick(fineTuning.dropouts, 1, 0),
    weightDecay: pick(fineTuning.weightDecays, 2, 0),
  };
}
