import type { ElementType } from "#libs/kernels";
import { narrow, widen } from "#libs/tensors";

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;

const one = new Float64Array(1);

/** One element of a memory, without loss. */
export function readElement(memory: DataView, type: ElementType, address: number, index: number): number {
  const at = address + index * BYTES[type];
  if (type === "F64") return memory.getFloat64(at, true);
  if (type === "F32") return memory.getFloat32(at, true);
  widen(type, new Uint8Array(memory.buffer, at, 2), one);
  return one[0]!;
}

/** Writes one element, rounded once. */
export function writeElement(memory: DataView, type: ElementType, address: number, index: number, value: number): void {
  one[0] = value;
  narrow(type, one, new Uint8Array(memory.buffer, address + index * BYTES[type], BYTES[type]));
}
