import type { RunSpec } from "#proto/ratatouille/v1/recycling_pb.ts";

/** Nodes of the largest study. */
export const MOST_NODES = 100_000;

/** Sets of fine-tunings: soup, recycled, fused. */
const SETS = 3;
/** Of a member: the start of a fused one, the fine-tuning, two predictions, a greedy trial and its measurement. */
const OF_MEMBER = 6;
/** Of a set: measurements (two accuracies, ensemble, diversity, two of what lies between) and averages. */
const OF_SET = 8;
/** Of a cell besides its sets: the probe, predictions of the probe and the averages, what is measured of these. */
const OF_CELL = 15;
/** Of a study: data, split and training of the foundation or its weights drawn and averaged, data of the target. */
const OF_STUDY = 4;
/** Of an auxiliary besides its fine-tunings: data, split, probe. */
const OF_AUXILIARY = 3;

/** How many nodes the graph of a study has at most. Takes any specification, also one that cannot be planned. */
export function planSize({ seeds, study }: RunSpec): number {
  if (!study) return 0;
  const { barriers = 0, curves = 0, points = 0 } = study.curves ?? {};
  const between = 2 * (barriers + curves * points);
  const ofCell = OF_CELL + SETS * (OF_SET + OF_MEMBER * study.members + between);
  const auxiliaries = study.auxiliaries.reduce((sum, { count }) => sum + OF_AUXILIARY + count, 0);
  return OF_STUDY + auxiliaries + seeds.length * (1 + study.heldOut.length * ofCell);
}
