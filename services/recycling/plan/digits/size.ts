import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";

/** Nodes of the largest run: some forty times what ten seeds on four domains with all methods need. */
export const MOST_NODES = 100_000;

/** Sets of fine-tunings: soup, recycled, fused. */
const SETS = 3;
/** Measurements and averages of a set. */
const OF_SET = 8;
/** Of a cell besides its sets: the linear probe and what is measured of the averages. */
const OF_CELL = 2;
/** Of a seed: data and pre-training of the foundation, and the fused featurizer. Of an auxiliary task: data, probe, fine-tuning. */
const OF_SEED = 3;
const OF_AUXILIARY = 3;

/** How many nodes the graph of a run has at most. Takes any specification, also one that cannot be planned. */
export function planSize({ seeds, target, auxiliaries, fineTuning }: RunSpec): number {
  const cells = target?.heldOut.length ?? 0;
  const ofCell = OF_CELL + SETS * ((fineTuning?.members ?? 0) + OF_SET);
  return seeds.length * (OF_SEED + (target?.domains.length ?? 0) + OF_AUXILIARY * auxiliaries.length + cells * ofCell);
}
