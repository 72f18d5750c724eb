import { acos, sin } from "#libs/deterministic";

/** Shoemake's coefficients of the point at t on the arc between two vectors with that cosine: sin((1−t)Ω) / sin Ω and sin(tΩ) / sin Ω. */
export function onArc(cosine: number, t: number): [number, number] {
  const omega = acos(cosine);
  const scale = sin(omega);
  return [sin((1 - t) * omega) / scale, sin(t * omega) / scale];
}

/** Coefficients of the point at t on the straight line. */
export function onLine(t: number): [number, number] {
  return [1 - t, t];
}
