import type { Weights } from "#libs/learning";

type Tensor = { readonly shape: readonly number[]; readonly data: Float32Array };

/** The point (1 − λ)·θ_a + λ·θ_b, in f64, rounded once to f32. The ends are the models themselves. */
export function interpolate(a: Weights, b: Weights, lambda: number): Weights {
  if (lambda === 0) return a;
  if (lambda === 1) return b;
  return combine(a, b, (x, y) => (1 - lambda) * x + lambda * y);
}

/** The midpoint (θ_a + θ_b) / 2, in f64, rounded once to f32. */
export function midpoint(a: Weights, b: Weights): Weights {
  return combine(a, b, (x, y) => (x + y) / 2);
}

/** Sums of weights in f64, one member at a time; the mean of them rounded once to f32. */
export type RunningMean = {
  readonly count: number;
  /** The mean with one more member; the sums stay as they are. */
  meanWith(member: Weights): Weights;
  /** Adds the member for good. */
  add(member: Weights): void;
};

/** A running mean without members. */
export function createRunningMean(): RunningMean {
  const sums = new Map<string, Float64Array>();
  let count = 0;
  return {
    get count() {
      return count;
    },
    meanWith(member) {
      const mean = new Map<string, Tensor>();
      for (const [name, tensor] of member) {
        const sum = sums.get(name);
        const data = new Float32Array(tensor.data.length);
        for (let k = 0; k < data.length; k++) data[k] = ((sum?.[k] ?? 0) + tensor.data[k]!) / (count + 1);
        mean.set(name, { shape: tensor.shape, data });
      }
      return mean;
    },
    add(member) {
      for (const [name, tensor] of member) {
        const sum = sums.get(name);
        if (sum === undefined) sums.set(name, Float64Array.from(tensor.data));
        else for (let k = 0; k < sum.length; k++) sum[k] = sum[k]! + tensor.data[k]!;
      }
      count++;
    },
  };
}

/** Tensor by tensor. The weights have the same tensors with the same shapes: see `checkFit`. */
function combine(a: Weights, b: Weights, mix: (x: number, y: number) => number): Weights {
  const mixed = new Map<string, Tensor>();
  for (const [name, tensor] of a) {
    const other = b.get(name);
    if (other === undefined) throw new RangeError(`the tensor ${name} is missing in one of the members`);
    const data = new Float32Array(tensor.data.length);
    for (let k = 0; k < data.length; k++) data[k] = mix(tensor.data[k]!, other.data[k]!);
    mixed.set(name, { shape: tensor.shape, data });
  }
  return mixed;
}
