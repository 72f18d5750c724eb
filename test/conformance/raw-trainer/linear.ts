import { exp, ln, uniform } from "#libs/deterministic";

/** A linear classifier of the first bytes of files: [classes, WIDTH], row-major, the last number of each row is the bias. */
export type Linear = { readonly classes: number; readonly weights: Float32Array };

/** How many bytes of a file count. */
const FEATURES = 320;
export const WIDTH = FEATURES + 1;

/** A classifier that has learned nothing. */
export function drawLinear(classes: number, seed: number): Linear {
  return { classes, weights: Float32Array.from({ length: classes * WIDTH }, (_, i) => (uniform(seed, i) - 0.5) / 100) };
}

/** The logits of a file. */
export function logitsOf({ classes, weights }: Linear, file: Uint8Array): Float32Array {
  const logits = new Float32Array(classes);
  for (let c = 0; c < classes; c++) {
    let sum = weights[c * WIDTH + FEATURES]!;
    for (let i = 0; i < FEATURES; i++) sum += (weights[c * WIDTH + i]! * (file[i] ?? 0)) / 255;
    logits[c] = sum;
  }
  return logits;
}

/** One step of gradient descent on the cross-entropy of a file, in place. Returns the loss before it, in nats. */
export function learn(linear: Linear, file: Uint8Array, label: number, rate: number): number {
  const { classes, weights } = linear;
  const logits = logitsOf(linear, file);
  const most = Math.max(...logits);
  const powers = logits.map((one) => exp(one - most));
  const total = powers.reduce((a, b) => a + b);
  for (let c = 0; c < classes; c++) {
    const slope = rate * (powers[c]! / total - (c === label ? 1 : 0));
    for (let i = 0; i < FEATURES; i++) weights[c * WIDTH + i]! -= (slope * (file[i] ?? 0)) / 255;
    weights[c * WIDTH + FEATURES]! -= slope;
  }
  return -ln(powers[label]! / total);
}
