import { uint32 } from "#libs/deterministic";

/** Pixels between two hills. */
const PITCH = 20;

/** A smooth surface of hills from -1 to 1, row by row, over so many pixels wide and high. */
function hills(side: number, seed: number): Float32Array {
  const corners = Math.ceil(side / PITCH) + 1;
  const heights = Float32Array.from({ length: corners * corners }, (_, i) => uint32(seed, i) / 2 ** 31 - 1);
  const ease = (t: number) => t * t * (3 - 2 * t);
  const out = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    const [j, v] = [Math.floor(y / PITCH), ease((y % PITCH) / PITCH)];
    for (let x = 0; x < side; x++) {
      const [at, u] = [j * corners + Math.floor(x / PITCH), ease((x % PITCH) / PITCH)];
      const above = heights[at]! * (1 - u) + heights[at + 1]! * u;
      const below = heights[at + corners]! * (1 - u) + heights[at + corners + 1]! * u;
      out[y * side + x] = above * (1 - v) + below * v;
    }
  }
  return out;
}

/** A picture of so many pixels wide and high, three bytes each, drawn with a hand that goes up to `by` pixels astray. */
export function goAstray(pixels: Uint8Array, side: number, by: number, seed: number): Uint8Array {
  const [right, down] = [hills(side, seed), hills(side, seed + 1)];
  const out = new Uint8Array(pixels.length);
  const inside = (at: number) => Math.max(0, Math.min(side - 1, Math.round(at)));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = 3 * (inside(y + by * down[y * side + x]!) * side + inside(x + by * right[y * side + x]!));
      for (let c = 0; c < 3; c++) out[3 * (y * side + x) + c] = pixels[from + c]!;
    }
  }
  return out;
}

/** Where two pictures lie over one another the darker pixel is seen. */
export function darker(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((value, i) => Math.min(value, other[i]!));
}
