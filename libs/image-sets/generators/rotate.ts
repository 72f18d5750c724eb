import { cos, sin } from "#libs/deterministic";

/** A grey picture: one byte per pixel, row by row. */
export type Grey = { readonly width: number; readonly height: number; readonly data: Uint8Array };

/**
 * Turns a picture about its centre, counter-clockwise, with black where nothing was: Pillow's `rotate(degrees, Resampling.BILINEAR)`, byte by
 * byte. Source: Pillow, `Image.rotate`, and `affine_transform` and `bilinear_filter8` of Geometry.c.
 * @example
 * ```ts
 * const { data } = rotate({ width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4) }, 90);
 * [...data]; // [2, 4, 1, 3]
 * ```
 */
export function rotate(picture: Grey, degrees: number): Grey {
  const { width, height, data } = picture;
  const angle = ((degrees % 360) + 360) % 360;
  if (angle === 0) return picture;
  const out = new Uint8Array(width * height);
  const source = sourceOf(angle, width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = source(x + 0.5, y + 0.5);
      if (u >= 0 && u < width && v >= 0 && v < height) out[y * width + x] = bilinear(data, width, height, u - 0.5, v - 0.5);
    }
  }
  return { width, height, data: out };
}

/** Where the colour of a point comes from. */
function sourceOf(angle: number, width: number, height: number): (x: number, y: number) => readonly [number, number] {
  // Pillow turns these without interpolation.
  if (angle === 180) return (x, y) => [width - x, height - y];
  if (width === height && angle === 90) return (x, y) => [width - y, x];
  if (width === height && angle === 270) return (x, y) => [y, height - x];
  const radians = -angle * (Math.PI / 180);
  const [c, s] = [round15(cos(radians)), round15(sin(radians))];
  const [centreX, centreY] = [width / 2, height / 2];
  const shiftX = c * -centreX + s * -centreY + centreX;
  const shiftY = -s * -centreX + c * -centreY + centreY;
  return (x, y) => [c * x + s * y + shiftX, -s * x + c * y + shiftY];
}

/** Python's `round(value, 15)`. */
function round15(value: number): number {
  return Number(value.toFixed(15));
}

/** The mean of four neighbours of a point of the grid of centres, cut to a whole number; at the edge the nearest ones. */
function bilinear(data: Uint8Array, width: number, height: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [x0, x1] = [Math.max(0, left), Math.min(width - 1, left + 1)];
  const row = (line: number) => {
    const [a, b] = [data[line * width + x0]!, data[line * width + x1]!];
    return a + (b - a) * (x - left);
  };
  const upper = row(Math.max(0, top));
  const lower = top + 1 < height ? row(top + 1) : upper;
  return Math.trunc(upper + (lower - upper) * (y - top));
}
