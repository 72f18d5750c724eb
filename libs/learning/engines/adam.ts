import { pow } from "#libs/deterministic";

/** The constants of Adam, torch.optim.Adam's defaults. */
export const BETA1 = 0.9;
export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/** β₁ and β₂ to the power of a step, counted from 1. */
export function powersAt(step: number): readonly [number, number] {
  return [pow(BETA1, step), pow(BETA2, step)];
}
