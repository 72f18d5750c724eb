/**
 * Position embeddings for another grid, as timm's `resample_abs_pos_embed` makes them: the class token's stays, the others are resized as a
 * picture, bicubic with antialiasing. Both grids are square.
 * @param data [1 + from², features], row by row
 * @returns [1 + to², features]
 */
export function resamplePositions(data: Float32Array, from: number, to: number, features: number): Float32Array {
  const rows = cubicWeights(from, to);
  const out = new Float32Array((1 + to * to) * features);
  out.set(data.subarray(0, features));
  // First along rows, then along columns.
  const middle = new Float32Array(from * to * features);
  for (let y = 0; y < from; y += 1)
    for (let x = 0; x < to; x += 1) mix(data, (1 + y * from) * features, features, rows[x]!, middle, (y * to + x) * features);
  for (let y = 0; y < to; y += 1)
    for (let x = 0; x < to; x += 1) mix(middle, x * features, to * features, rows[y]!, out, (1 + y * to + x) * features);
  return out;

  function mix(source: Float32Array, offset: number, step: number, { first, weights }: Taps, target: Float32Array, place: number): void {
    for (let feature = 0; feature < features; feature += 1) {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += weights[i]! * source[offset + (first + i) * step + feature]!;
      target[place + feature] = sum;
    }
  }
}

/** What one output is made of: inputs from `first` on, and their weights. */
type Taps = { readonly first: number; readonly weights: readonly number[] };

/** The taps of each output along one axis, as PyTorch's `interpolate(mode="bicubic", antialias=True)` has them (ATen, UpSampleKernel.cpp). */
function cubicWeights(from: number, to: number): readonly Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, index) => {
    const centre = scale * (index + 0.5);
    const first = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(centre + 2 * stretch + 0.5), from);
    const weights = Array.from({ length: end - first }, (_, i) => cubic((first + i + 0.5 - centre) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** The cubic convolution kernel with a = -1/2 (Keys 1981). */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}
