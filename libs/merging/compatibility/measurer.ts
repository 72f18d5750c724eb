import { type ElementType, type Kernels, loadKernels } from "#libs/kernels";
import type { Values } from "../method.ts";
import { type Measures, MOST_PAIRWISE, measure, type Scratch, scratchFor } from "./measure.ts";

/** Measures blocks of the models' bytes: what `measure` says, with the dot products by a kernel. One thread's own. */
export type Measurer = {
  /** Most elements of a block. */
  readonly elements: number;
  /** Where the bytes of a block of one source go: models in their order, then the base. Void after `add`. */
  room(source: number, bytes: number): Uint8Array;
  /** Measures the block that has been put there, `first` being the index of its first element in the tensor. */
  add(into: Measures, types: readonly ElementType[], count: number, first: number): void;
};

/** Room of all sources together: bytes as they are, and as numbers. */
const MEMORY_BYTES = 48 << 20;
const LARGEST_BLOCK = 1 << 16;
const SMALLEST_BLOCK = 1 << 10;

/** Elements of a block: a power of two that depends on the number of sources only, so that sums never depend on who measures. */
export function blockElements(sources: number): number {
  let elements = LARGEST_BLOCK;
  while (elements > SMALLEST_BLOCK && elements * sources * 16 > MEMORY_BYTES) elements /= 2;
  return elements;
}

export function createMeasurer(models: number, hasBase: boolean): Measurer {
  const sources = hasBase ? models + 1 : models;
  const elements = blockElements(sources);
  const kernels = loadKernels();
  const raw = Array.from({ length: sources }, () => kernels.allocate(elements * 8));
  const wide = Array.from({ length: sources }, () => kernels.allocate(elements * 8));
  const products = kernels.allocate(models * models * 8);
  const sums = new Float64Array(elements);
  let scratch: Scratch | undefined;

  /** Addresses of the block as F32, or as F64 where one of the sources is. */
  function widened(types: readonly ElementType[], count: number): { addresses: readonly number[]; type: "F32" | "F64" } {
    const type = types.includes("F64") ? "F64" : "F32";
    const addresses = types.map((each, k) => {
      if (each === type) return raw[k]!;
      kernels.widen(each, raw[k]!, wide[k]!, type, count);
      return wide[k]!;
    });
    return { addresses, type };
  }

  return {
    elements,
    room: (source, bytes) => kernels.bytes(raw[source]!, bytes),
    add(into, types, count, first) {
      const { addresses, type } = widened(types, count);
      const values = addresses.map((address) => (type === "F64" ? kernels.float64(address, count) : kernels.float32(address, count)));
      const base = hasBase ? values.pop() : undefined;
      if (models > MOST_PAIRWISE || !addSizes(into, values, base)) {
        scratch ??= scratchFor(models, elements);
        measure(into, values, base, first, scratch);
        return;
      }
      into.count += count;
      addSigns(into, values, base, sums.subarray(0, count));
      // Differences to the base, or to the first model: small numbers, of which the mean can be taken off without loss.
      kernels.gram({ inputs: addresses.slice(0, models), type, base: addresses[hasBase ? models : 0]!, count, out: products });
      addProducts(into.gram, kernels, products, models, hasBase);
    },
  };
}

/** Adds Σ x² and max |x|, unless a number is not finite or a square too large: then it adds nothing and says false. */
function addSizes(into: Measures, models: readonly Values[], base: Values | undefined): boolean {
  const found = models.map(sizes);
  if (![...found, ...(base ? [sizes(base)] : [])].every(({ squares }) => Number.isFinite(squares))) return false;
  found.forEach(({ squares, largest }, k) => {
    into.squares[k]! += squares;
    into.largest[k] = Math.max(into.largest[k]!, largest);
  });
  return true;
}

function sizes(values: Values): { squares: number; largest: number } {
  let squares = 0;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    squares += value * value;
    const size = Math.abs(value);
    if (size > largest) largest = size;
  }
  return { squares, largest };
}

/** How often differences to the base, or weights where there is none, have the sign of the sum of all. All numbers are finite. */
function addSigns(into: Measures, models: readonly Values[], base: Values | undefined, sums: Float64Array): void {
  const { length } = sums;
  sums.fill(0);
  for (const values of models) {
    if (base === undefined) for (let i = 0; i < length; i++) sums[i]! += values[i]!;
    else for (let i = 0; i < length; i++) sums[i]! += values[i]! - base[i]!;
  }
  models.forEach((values, k) => {
    let moved = 0;
    let agreeing = 0;
    for (let i = 0; i < length; i++) {
      const difference = base === undefined ? values[i]! : values[i]! - base[i]!;
      moved += difference === 0 ? 0 : 1;
      const sum = sums[i]!;
      agreeing += (difference > 0 && sum > 0) || (difference < 0 && sum < 0) ? 1 : 0;
    }
    into.moved[k]! += moved;
    into.agreeing[k]! += agreeing;
  });
}

function addProducts(gram: Float64Array, kernels: Kernels, products: number, models: number, hasBase: boolean): void {
  const found = kernels.float64(products, models * models);
  if (hasBase) {
    for (let i = 0; i < gram.length; i++) gram[i]! += found[i]!;
    return;
  }
  // ⟨x_a − m, x_b − m⟩ of the products of differences to one model: rows and columns have the mean 0.
  const means = Array.from(
    { length: models },
    (_, a) => found.subarray(a * models, (a + 1) * models).reduce((sum, x) => sum + x, 0) / models,
  );
  const mean = means.reduce((sum, x) => sum + x, 0) / models;
  for (let a = 0; a < models; a++)
    for (let b = 0; b < models; b++) gram[a * models + b]! += found[a * models + b]! - (means[a]! + means[b]!) + mean;
}
