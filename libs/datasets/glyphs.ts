import { finish, type Steps } from "#libs/concurrency";
import { cos, sin, sub, uniform } from "#libs/deterministic";
import type { GlyphsParameters } from "#libs/recipes";
import { type Dataset, FEATURES, SIDE } from "./dataset.ts";
import { applyStyle } from "./styles.ts";

/**
 * What to draw: `images` symbols of an alphabet of `classes`, turned by at most `rotation` radians either way. Image i shows symbol
 * i mod classes in style ⌊i / classes⌋ mod the number of styles. Data sets with the same `alphabetSeed` show the same symbols.
 */
export type GlyphsSpec = Omit<GlyphsParameters, "generator">;

// A symbol is two polylines of five points each, so eight segments.
const STROKES = 2;
const POINTS = 5;
const COORDINATES = STROKES * POINTS * 2;
const SEGMENTS = STROKES * (POINTS - 1);
// Style number j draws its random numbers from child seed 7000 + j of the images' seed.
const STYLE_SEEDS = 7000;

/**
 * Random symbols, each image drawn with its own rotation, size, shear, place, stroke width and jitter, then styled.
 * A pure function of its arguments, with the same bytes on every runtime.
 * Images are 16 × 16, row by row, 0 (background) to 1.
 * @example
 * ```ts
 * const { images, labels } = generateGlyphs({ classes: 3, images: 6, alphabetSeed: 1, rotation: 0.3, styles: ["plain"] }, 7);
 * [...labels]; // [0, 1, 2, 0, 1, 2]
 * images.length === 6 * FEATURES && FEATURES === SIDE * SIDE; // true
 * ```
 */
export function generateGlyphs(spec: GlyphsSpec, seed: number): Dataset {
  return finish(glyphsInSteps(spec, seed));
}

/** What `generateGlyphs` makes, an image a step. */
export function* glyphsInSteps(spec: GlyphsSpec, seed: number): Steps<Dataset> {
  const { classes, images: count, styles } = spec;
  const symbols: Float64Array[] = [];
  for (let c = 0; c < classes; c++) {
    symbols.push(symbol(sub(spec.alphabetSeed, c)));
    yield;
  }
  const images = new Float32Array(count * FEATURES);
  const labels = new Int32Array(count);
  const segments = new Float64Array(SEGMENTS * 4);
  const styled = styles.map(() => 0);
  for (let i = 0; i < count; i++) {
    const image = images.subarray(i * FEATURES, (i + 1) * FEATURES);
    labels[i] = i % classes;
    const width = placeStrokes(symbols[i % classes]!, sub(seed, i), spec.rotation, segments);
    drawStrokes(segments, width, image);
    const style = Math.floor(i / classes) % styles.length;
    const position = styled[style]!++;
    applyStyle(styles[style]!, image, sub(sub(seed, STYLE_SEEDS + style), position));
    yield;
  }
  return { images, labels, count, features: FEATURES, classes };
}

/**
 * Control points of a symbol in the unit square, [stroke][point][x, y]: a random walk, reflected near the border.
 * @example
 * ```ts
 * symbol(1).length; // 20
 * symbol(1).every((coordinate) => coordinate >= 0.1 && coordinate <= 0.9); // true
 * ```
 */
export function symbol(seed: number): Float64Array {
  const points = new Float64Array(COORDINATES);
  for (let stroke = 0; stroke < STROKES; stroke++) {
    const first = stroke * POINTS * 2;
    points[first] = 0.15 + 0.7 * uniform(seed, first);
    points[first + 1] = 0.15 + 0.7 * uniform(seed, first + 1);
    for (let k = first + 2; k < first + POINTS * 2; k += 2) {
      const angle = 2 * Math.PI * uniform(seed, k);
      const radius = 0.25 + 0.25 * uniform(seed, k + 1);
      points[k] = reflect(points[k - 2]! + radius * cos(angle));
      points[k + 1] = reflect(points[k - 1]! + radius * sin(angle));
    }
  }
  return points;
}

function reflect(q: number): number {
  const low = q < 0.1 ? 0.2 - q : q;
  return low > 0.9 ? 1.8 - low : low;
}

/** Writes the segments [x, y, x, y] of one image in pixels and returns half of the stroke width. */
function placeStrokes(points: Float64Array, seed: number, rotation: number, segments: Float64Array): number {
  const v = (k: number) => uniform(seed, k);
  const angle = rotation * (2 * v(0) - 1);
  const scale = (0.95 + 0.25 * v(1)) * SIDE;
  const shear = 0.2 * (2 * v(2) - 1);
  const left = SIDE / 2 + 2 * v(3) - 1;
  const top = SIDE / 2 + 2 * v(4) - 1;
  const cosine = cos(angle);
  const sine = sin(angle);
  for (let stroke = 0, at = 0; stroke < STROKES; stroke++) {
    let previousX = 0;
    let previousY = 0;
    for (let point = 0; point < POINTS; point++) {
      const k = (stroke * POINTS + point) * 2;
      const y = points[k + 1]! + 0.06 * (2 * v(7 + k) - 1) - 0.5;
      const x = points[k]! + 0.06 * (2 * v(6 + k) - 1) - 0.5 + shear * y;
      const pixelX = scale * (cosine * x - sine * y) + left;
      const pixelY = scale * (sine * x + cosine * y) + top;
      if (point > 0) {
        segments[at++] = previousX;
        segments[at++] = previousY;
        segments[at++] = pixelX;
        segments[at++] = pixelY;
      }
      previousX = pixelX;
      previousY = pixelY;
    }
  }
  return 0.8 + 0.8 * v(5);
}

/** Pixel = clamp(width + 0.5 − distance to the nearest segment, 0, 1). Only pixels that a segment can reach are looked at. */
function drawStrokes(segments: Float64Array, width: number, image: Float32Array): void {
  const reach = width + 0.5;
  const nearest = new Float64Array(FEATURES).fill(reach * reach);
  for (let s = 0; s < segments.length; s += 4) {
    const ax = segments[s]!;
    const ay = segments[s + 1]!;
    const bx = segments[s + 2]!;
    const by = segments[s + 3]!;
    const dx = bx - ax;
    const dy = by - ay;
    // The small term keeps a segment of length 0 a point.
    const inverse = 1 / (dx * dx + dy * dy + 1e-9);
    const firstRow = Math.max(0, Math.floor(Math.min(ay, by) - reach - 0.5));
    const lastRow = Math.min(SIDE - 1, Math.ceil(Math.max(ay, by) + reach - 0.5));
    const firstColumn = Math.max(0, Math.floor(Math.min(ax, bx) - reach - 0.5));
    const lastColumn = Math.min(SIDE - 1, Math.ceil(Math.max(ax, bx) + reach - 0.5));
    for (let row = firstRow; row <= lastRow; row++) {
      const y = row + 0.5 - ay;
      for (let column = firstColumn; column <= lastColumn; column++) {
        const x = column + 0.5 - ax;
        const along = (x * dx + y * dy) * inverse;
        const t = Math.min(1, Math.max(0, along));
        const ex = x - t * dx;
        const ey = y - t * dy;
        const square = ex * ex + ey * ey;
        const p = row * SIDE + column;
        if (square < nearest[p]!) nearest[p] = square;
      }
    }
  }
  for (let p = 0; p < FEATURES; p++) {
    const square = nearest[p]!;
    // Beyond reach exactly 0: subtracting the root of a square from itself need not give it.
    image[p] = square >= reach * reach ? 0 : Math.min(1, Math.max(0, reach - Math.sqrt(square)));
  }
}
