import type { FoldArguments } from "../types.ts";
import { readElements, writeElements } from "./elements.ts";
import { sumError } from "./error-free.ts";

/** The specification of `Kernels.fold`. */
export function foldTwin(memory: WebAssembly.Memory, { input, type, weight, planes, spill, count }: FoldArguments): number {
  const rest = readElements(memory, type, input, count).map((value) => weight * value);
  for (const address of planes) {
    const plane = readElements(memory, "F64", address, count);
    for (let i = 0; i < count; i++) {
      const sum = plane[i]! + rest[i]!;
      // -0 for nothing: the zero that changes no sum.
      const loss = sumError(plane[i]!, rest[i]!, sum);
      rest[i] = loss === 0 ? -0 : loss;
      plane[i] = sum;
    }
    writeElements(memory, "F64", address, plane);
  }
  writeElements(memory, "F64", spill, rest);
  return rest.reduce((found, value) => found + (value === 0 ? 0 : 1), 0);
}
