import { sub } from "#libs/deterministic";

/** What the seeds of trainings are for. Each has as many numbers of its own as it can ever need, so that no two trainings share one. */
const base = { foundation: 0, auxiliaryProbe: 1 << 20, auxiliary: 1 << 21, probe: 1 << 22, member: 1 << 23 } as const;
/** As many as there may be of each, rounded up. */
const MODELS = 128;
const MEMBERS = 1024;
const SETS = 4;
/** Trainings that all trials share have the children of this one. */
const SHARED = 0;

const sets = { soup: 0, recycled: 1, fused: 2 } as const;

/**
 * The seeds of a study. `sub` gives different children for different numbers, so that of one trial no two are equal, and what is added to
 * a study leaves all other seeds as they are.
 */
export const seeds = {
  /** Draws the foundation's weights, and orders its data. */
  foundation: (): number => sub(SHARED, base.foundation),
  /** Of auxiliary task j. */
  auxiliaryProbe: (j: number): number => sub(SHARED, base.auxiliaryProbe + j),
  auxiliary: (j: number, model: number): number => sub(SHARED, base.auxiliary + MODELS * j + model),
  /** Of the trial with this seed, and the held-out domain at this place of the target's domains. */
  probe: (trial: number, heldOut: number): number => sub(trial, base.probe + heldOut),
  member: (trial: number, heldOut: number, set: keyof typeof sets, member: number): number =>
    sub(trial, base.member + MEMBERS * (SETS * heldOut + sets[set]) + member),
};
