/** A number with its bounds: `min` and `max` belong to it, `above` and `below` do not. Never infinite. */
export type Bounds = { readonly min?: number; readonly max?: number; readonly above?: number; readonly below?: number };

/** What the numbers of a specification may be: the same as in a run file. */
export const bounds = {
  count: { min: 1, max: 10_000_000 },
  width: { min: 1, max: 65_536 },
  rate: { above: 0, max: 100 },
  degrees: { min: -360, max: 360 },
  /** Half a turn, rounded up: symbols are rotated in both directions. */
  radians: { min: 0, max: 3.15 },
  classes: { min: 2, max: 10_000 },
  members: { min: 1, max: 1000 },
  dropout: { min: 0, below: 1 },
  weightDecay: { min: 0, max: 1 },
  share: { above: 0, below: 1 },
  heldOutItems: { min: 0, below: 1 },
} as const satisfies { readonly [name: string]: Bounds };

/** How many values its lists may have. */
export const lengths = {
  seeds: { min: 1, max: 10_000 },
  hidden: { min: 1, max: 8 },
  domains: { min: 2, max: 64 },
  heldOut: { min: 1, max: 64 },
  auxiliaries: { min: 0, max: 1000 },
  /** Domains of pictures. */
  pictureDomains: { min: 1, max: 1000 },
  /** Fine-tunings on one auxiliary task. */
  models: { min: 1, max: 100 },
  /** Places along a curve between two models, with both ends. */
  points: { min: 3, max: 101 },
  /** Mild ranges. An empty one means that nothing is varied. */
  range: { min: 0, max: 100 },
  styles: { min: 1, max: 9 },
} as const satisfies { readonly [name: string]: Bounds };

/** Whether a number keeps its bounds. */
export function isWithin(value: number, { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity }: Bounds): boolean {
  return Number.isFinite(value) && value >= min && value <= max && value > above && value < below;
}

/** For messages: "from 1 to 10", "above 0 and below 1", "from 0 up to but not 1". */
export function describeBounds({ min, max, above, below }: Bounds): string {
  const lower = min === undefined ? `above ${above}` : `from ${min}`;
  const upper = max === undefined ? `below ${below}` : `${min === undefined ? "up to" : "to"} ${max}`;
  return min === undefined ? `${lower} and ${upper}` : `${lower} ${upper}`;
}
