import { randomState } from "./random-state.ts";
import { seedHash } from "./seed-hash.ts";

/** DomainBed's names of what a run draws; each has a generator of its own. */
const names = { learningRate: "lr", weightDecay: "weight_decay", dropout: "resnet_dropout" } as const;

/** What is drawn: the place of a value in its range. */
export type Drawn = { readonly [P in keyof typeof names]: number };

/**
 * Which value of each range run number `run` of a trial takes, as DomainBed draws it (domainbed/hparams_registry.py): numpy's `choice` with
 * the seed of (seed of (run, trial), name). Run 0 takes the defaults there, whatever is drawn here.
 * @param lengths how many values each range has, at least one.
 * @example
 * ```ts
 * // Mild ranges: rates 1e-5, 3e-5, 5e-5; decays 1e-4, 1e-6; dropouts 0, 0.1, 0.5.
 * drawRanges({ learningRate: 3, weightDecay: 2, dropout: 3 }, { run: 1, trial: 0 }); // { learningRate: 1, weightDecay: 0, dropout: 2 }
 * ```
 */
export function drawRanges(
  lengths: { readonly [P in keyof typeof names]: number },
  { run, trial }: { readonly run: number; readonly trial: number },
): Drawn {
  const seed = seedHash(run, trial);
  const pick = (parameter: keyof typeof names) => randomState(seedHash(seed, names[parameter])).upTo(lengths[parameter] - 1);
  return { learningRate: pick("learningRate"), weightDecay: pick("weightDecay"), dropout: pick("dropout") };
}
