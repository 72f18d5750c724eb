import { exp, openStream, PURPOSE } from "#libs/deterministic";
import { drawRanges } from "#libs/protocols";
import type { Study_Ranges, Study_Training } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Hyperparameters } from "../sets.ts";

/** Whose hyper-parameters: run `run` of a trial with one domain held out, or of an auxiliary task. */
export type Place = { readonly trial: number; readonly group: number; readonly run: number };

/** The group of the cell that holds out the domain at this place, and of auxiliary task j: each draws for itself. */
export const groups = { cell: (heldOut: number): number => 2 * heldOut, auxiliary: (j: number): number => 2 * j + 1 };

/**
 * The hyper-parameters of a fine-tuning. Members of equal number in different sets of a cell get the same ones, so that sets differ only
 * in where their members start. `domainbed/1` draws the same for every cell, as DomainBed does, and its run 0 takes the defaults.
 */
export function drawHyperparameters(ranges: Study_Ranges, training: Study_Training, { trial, group, run }: Place): Hyperparameters {
  const { learningRates, dropouts, weightDecays } = ranges;
  const { learningRate, dropout, weightDecay } = training;
  if (ranges.draw === "domainbed/1") {
    if (run === 0) return { learningRate, dropout, weightDecay };
    const lengths = { learningRate: learningRates.length || 1, dropout: dropouts.length || 1, weightDecay: weightDecays.length || 1 };
    const drawn = drawRanges(lengths, { run, trial });
    return {
      learningRate: learningRates[drawn.learningRate] ?? learningRate,
      dropout: dropouts[drawn.dropout] ?? dropout,
      weightDecay: weightDecays[drawn.weightDecay] ?? weightDecay,
    };
  }
  const stream = openStream([trial, PURPOSE.hyperparameters], [group, run]);
  // One number each, whether there is a range or not: a range that is added changes no other value.
  const places = [stream.uniform(), stream.uniform(), stream.uniform()] as const;
  const pick = (values: readonly number[], place: number, none: number) => values[Math.floor(values.length * place)] ?? none;
  return {
    learningRate: pick(learningRates, places[0], learningRate),
    dropout: pick(dropouts, places[1], dropout),
    weightDecay: pick(weightDecays, places[2], weightDecay),
  };
}

/** How far apart the weights of a fused start may be: at most e^4 times. */
const FUSING_RANGE = 4;
const DIGITS = 6;

/**
 * How much of each model a fused start has: exp(4 u), u uniform in [0, 1), to be divided by their sum (Choshen et al. 2022, as in the code
 * of Ramé et al.). Rounded, so that recipes hold short numbers.
 */
export function fusingWeights(models: number, { trial, group, run }: Place): number[] {
  const stream = openStream([trial, PURPOSE.fusing], [group, run]);
  return Array.from({ length: models }, () => Number(exp(FUSING_RANGE * stream.uniform()).toPrecision(DIGITS)));
}
