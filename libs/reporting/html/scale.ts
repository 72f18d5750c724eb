/** Maps an interval of data onto an interval of pixels. */
export type Scale = { (value: number): number; readonly ticks: readonly number[]; readonly domain: readonly [number, number] };

/** A linear scale. `count`: roughly how many ticks; they are at round numbers inside the domain. */
export function linear(domain: readonly [number, number], range: readonly [number, number], count = 5): Scale {
  const [low, high] = domain[0] === domain[1] ? [domain[0] - 1, domain[1] + 1] : domain;
  const position = (value: number) => range[0] + ((value - low) / (high - low)) * (range[1] - range[0]);
  return Object.assign(position, { ticks: roundTicks(low, high, count), domain: [low, high] as const });
}

/** An interval that holds all values (and what must be in it), with some air on both sides. NaN is ignored. */
export function extent(values: readonly number[], { air = 0.06, include = [] as readonly number[] } = {}): [number, number] {
  const finite = [...values, ...include].filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const margin = high > low ? (high - low) * air : Math.abs(high) * air || 0.5;
  return [low - margin, high + margin];
}

/** Where a value is drawn: in its place, or at the end of the scale that it lies beyond. */
export function within(scale: Scale, value: number): { readonly at: number; readonly beyond: "low" | "high" | undefined } {
  const [low, high] = scale.domain;
  if (value < low) return { at: scale(low), beyond: "low" };
  if (value > high) return { at: scale(high), beyond: "high" };
  return { at: scale(value), beyond: undefined };
}

/** The interval of the given length around the middle of another. */
export function around([low, high]: readonly [number, number], length: number): [number, number] {
  const middle = (low + high) / 2;
  return [middle - length / 2, middle + length / 2];
}

function roundTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
