import { uniform } from "#libs/deterministic";

/** Numbers of one picture, one after another. */
export type Draw = {
  between(low: number, high: number): number;
  whole(low: number, high: number): number;
};

/** The numbers of a seed. */
export function openDraw(seed: number): Draw {
  let k = 0;
  const between = (low: number, high: number) => low + (high - low) * uniform(seed, k++);
  return { between, whole: (low, high) => Math.floor(between(low, high + 1)) };
}
