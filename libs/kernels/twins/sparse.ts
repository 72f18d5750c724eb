import { mix } from "#libs/deterministic";
import type { ElectionArguments, SparseArguments, Thinning } from "../types.ts";
import { readElements, writeElements } from "./elements.ts";

const GOLDEN = 0x9e3779b9;
const pattern = new Float32Array(1);
const bits = new Uint32Array(pattern.buffer);

/** The specification of `Kernels.addSparse`. */
export function addSparseTwin(memory: WebAssembly.Memory, { models, thinnings, factors, base, out, count }: SparseArguments): void {
  const sums = readElements(memory, "F32", base, count);
  for (const [k, address] of models.entries()) {
    const values = thinned(readElements(memory, "F32", address, count), thinnings[k]!);
    for (let i = 0; i < count; i++) sums[i]! += factors[k]! * values[i]!;
  }
  writeElements(memory, "F64", out, sums);
}

/** The specification of `Kernels.electSparse`. */
export function electSparseTwin(memory: WebAssembly.Memory, args: ElectionArguments): void {
  const { models, thinnings, factors, weights, base, out, count, lambda, normalized, zeroIsPositive } = args;
  const values = models.map((address, k) => thinned(readElements(memory, "F32", address, count), thinnings[k]!));
  const merged = readElements(memory, "F32", base, count);
  for (let i = 0; i < count; i++) {
    const up = { sum: 0, weight: 0 };
    const down = { sum: 0, weight: 0 };
    for (const [k, column] of values.entries()) {
      const term = factors[k]! * column[i]!;
      if (term === 0) continue;
      const side = term > 0 ? up : down;
      side.sum += term;
      side.weight += weights[k]!;
    }
    const total = up.sum + down.sum;
    const { sum, weight } = total > 0 || (total === 0 && zeroIsPositive) ? up : down;
    merged[i]! += lambda * (normalized && weight !== 0 ? sum / weight : sum);
  }
  writeElements(memory, "F64", out, merged);
}

/** The specification of `Kernels.magnitudes`. */
export function magnitudesTwin(memory: WebAssembly.Memory, values: number, thinning: Thinning, count: number) {
  const all = readElements(memory, "F32", values, count);
  return { all: sumOfMagnitudes(all), kept: sumOfMagnitudes(thinned(all, thinning)) };
}

function sumOfMagnitudes(values: Float64Array): number {
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) sums[i % 4]! += Math.abs(values[i]!);
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

function thinned(values: Float64Array, thinning: Thinning): Float64Array {
  return values.map((value, i) => (stays(value, i, thinning) ? value : 0));
}

function stays(value: number, i: number, thinning: Thinning): boolean {
  if (thinning.kind === "all") return true;
  if (thinning.kind === "chance") return mix(thinning.start + Math.imul(GOLDEN, i)) < thinning.limit;
  pattern[0] = value;
  const magnitude = bits[0]! & 0x7fffffff;
  return magnitude > thinning.above && magnitude < thinning.below;
}
