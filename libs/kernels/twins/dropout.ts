import { uniform } from "#libs/deterministic";
import type { DropoutArguments } from "../types.ts";
import { readElements, writeElements } from "./elements.ts";

/** The specification of `Kernels.dropout`. */
export function dropoutTwin(memory: WebAssembly.Memory, { values, type, count, seed, first, density }: DropoutArguments): void {
  const kept = readElements(memory, type, values, count);
  for (let i = 0; i < count; i++) if (uniform(seed, first + i) >= density) kept[i] = 0;
  writeElements(memory, type, values, kept);
}
