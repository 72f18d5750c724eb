import { narrow, widen } from "#libs/tensors";
import { ELEMENT_BYTES, type ElementType } from "../types.ts";

/** A copy of elements as f64, at any address. */
export function readElements(memory: WebAssembly.Memory, type: ElementType, address: number, count: number): Float64Array {
  const values = new Float64Array(count);
  widen(type, new Uint8Array(memory.buffer, address, count * ELEMENT_BYTES[type]), values);
  return values;
}

/** Writes f64 as elements, each rounded once, at any address. */
export function writeElements(memory: WebAssembly.Memory, type: ElementType, address: number, values: Float64Array): void {
  narrow(type, values, new Uint8Array(memory.buffer, address, values.length * ELEMENT_BYTES[type]));
}

const one = new Float64Array(1);
const bytes = new Uint8Array(8);

/** A double rounded once to a type. */
export function roundTo(value: number, type: ElementType): number {
  one[0] = value;
  const element = bytes.subarray(0, ELEMENT_BYTES[type]);
  narrow(type, one, element);
  widen(type, element, one);
  return one[0]!;
}
