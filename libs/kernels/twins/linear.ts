import type { CombineArguments, GramArguments } from "../types.ts";
import { readElements, writeElements } from "./elements.ts";

/** The specification of `Kernels.combine`. */
export function combineTwin(memory: WebAssembly.Memory, { inputs, type, coefficients, out, outType, count }: CombineArguments): void {
  const columns = inputs.map((address) => readElements(memory, type, address, count));
  const sums = Float64Array.from({ length: count }, (_, i) => {
    let sum = coefficients[0]! * columns[0]![i]!;
    for (let k = 1; k < columns.length; k++) sum += coefficients[k]! * columns[k]![i]!;
    return sum;
  });
  writeElements(memory, outType, out, sums);
}

/** The specification of `Kernels.difference`. */
export function differenceTwin(
  memory: WebAssembly.Memory,
  type: "F32" | "F64",
  from: number,
  minus: number,
  out: number,
  count: number,
): void {
  const less = readElements(memory, type, minus, count);
  // In f64, then rounded: for the difference of two floats that is as good as once.
  writeElements(
    memory,
    type,
    out,
    readElements(memory, type, from, count).map((value, i) => value - less[i]!),
  );
}

/** The specification of `Kernels.gram`. */
export function gramTwin(memory: WebAssembly.Memory, { inputs, type, base, count, out }: GramArguments): void {
  const columns = inputs.map((address) => readElements(memory, type, address, count));
  if (base !== undefined) {
    const values = readElements(memory, type, base, count);
    for (const column of columns) for (let i = 0; i < count; i++) column[i]! -= values[i]!;
  }
  const products = columns.flatMap((a) => columns.map((b) => dot(a, b)));
  new Uint8Array(memory.buffer).set(new Uint8Array(Float64Array.from(products).buffer), out);
}

function dot(a: Float64Array, b: Float64Array): number {
  const sums = [0, 0];
  for (let i = 0; i < a.length; i++) sums[i % 2]! += a[i]! * b[i]!;
  return sums[0]! + sums[1]!;
}
