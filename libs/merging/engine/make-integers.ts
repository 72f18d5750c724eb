import { type Dtype, dtypes, isWidenable, widen } from "#libs/tensors";
import { MergeError } from "./errors.ts";
import { type Elements, requireFinite, requireFiniteValues } from "./finite.ts";
import type { Order } from "./order.ts";
import { bytesOf } from "./spans.ts";
import { isElementType, type Made, type Workplace, windowFor } from "./workplace.ts";

/**
 * Copies a range that all sources have to agree on, byte for byte. Returns whether they do; if not, the output means nothing.
 * @throws MergeError (not-finite) where numbers that a method passes through are none
 */
export function makeAgreement(workplace: Workplace, order: Order): Made & { readonly agree: boolean } {
  const { tensor } = order;
  const sources = [...tensor.models, ...(tensor.base ? [tensor.base] : [])];
  let agree = true;
  const readBytes = inWindows(workplace, order, sources.length, (first, count, [one, other], memory) => {
    const bytes = bytesOf(tensor.dtype, count);
    const at = bytesOf(tensor.dtype, first);
    for (const [k, { file, offset }] of sources.entries()) {
      const to = k === 0 ? one : other;
      workplace.inputs.read(file, offset + at, memory, to, bytes);
      requireFiniteAt(workplace, order, k, { address: to, first, count });
      if (k > 0) agree &&= Buffer.compare(memory.subarray(one, one + bytes), memory.subarray(other, other + bytes)) === 0;
    }
    return one;
  });
  return { readBytes, redone: 0, agree };
}

/** Of whole numbers there is nothing to look at. @throws MergeError (not-finite) */
function requireFiniteAt(
  { kernels, names }: Workplace,
  order: Order,
  source: number,
  { address, first, count }: Omit<Elements, "type">,
): void {
  const { dtype } = order.tensor;
  if (isElementType(dtype)) requireFinite(kernels, { type: dtype, address, first, count }, order, source, names);
  else if (isWidenable(dtype) && dtype.startsWith("F")) {
    const values = new Float32Array(count);
    widen(dtype, kernels.bytes(address, bytesOf(dtype, count)), values);
    requireFiniteValues(values, { first }, order, source, names);
  }
}

/** Makes a range of the largest number of all sources, one by one. */
export function makeMaximum(workplace: Workplace, order: Order): Made {
  const { tensor } = order;
  const { dtype } = tensor;
  const readBytes = inWindows(workplace, order, tensor.models.length, (first, count, [one, other], memory) => {
    for (const [k, { file, offset, dtype: given }] of tensor.models.entries()) {
      if (given !== dtype)
        throw new MergeError(
          "disagree",
          `tensor ${JSON.stringify(tensor.name)} is ${given} in ${workplace.names.models[tensor.of?.[k] ?? k]}, and ${dtype} in others`,
          {
            tensor: tensor.name,
            model: k,
          },
        );
      const bytes = bytesOf(dtype, count);
      workplace.inputs.read(file, offset + bytesOf(dtype, first), memory, k === 0 ? one : other, bytes);
      if (k > 0) takeLargest(integers(dtype, memory, one, count), integers(dtype, memory, other, count));
    }
    return one;
  });
  return { readBytes, redone: 0 };
}

function inWindows(
  workplace: Workplace,
  { tensor, first: begin, count: all }: Order,
  sources: number,
  compute: (first: number, count: number, addresses: [number, number], memory: Uint8Array) => number,
): number {
  const { kernels, outputs } = workplace;
  // A multiple of 8 elements, so that those of fewer than 8 bits fill bytes.
  const window = Math.min(all, windowFor(workplace, 16, 1 << 16));
  kernels.release();
  const addresses: [number, number] = [kernels.allocate(window * 8), kernels.allocate(window * 8)];
  const memory = kernels.bytes(0, kernels.memory.buffer.byteLength);
  for (let first = begin; first < begin + all; first += window) {
    const count = Math.min(window, begin + all - first);
    const from = compute(first, count, addresses, memory);
    outputs.write(tensor.file, tensor.offset + bytesOf(tensor.dtype, first), memory, from, bytesOf(tensor.dtype, count));
  }
  return sources * bytesOf(tensor.dtype, all);
}

type Integers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

const ARRAYS = {
  ...{ BOOL: Uint8Array, U8: Uint8Array, I8: Int8Array, I16: Int16Array, U16: Uint16Array },
  ...{ I32: Int32Array, U32: Uint32Array, I64: BigInt64Array, U64: BigUint64Array },
} as const;

function integers(dtype: Dtype, memory: Uint8Array, address: number, count: number): Integers {
  const type = ARRAYS[dtype as keyof typeof ARRAYS];
  if (type === undefined) throw new TypeError(`${dtype} is no type of whole numbers (${dtypes.get(dtype)?.bits} bits)`);
  return new type(memory.buffer as ArrayBuffer, address, count);
}

function takeLargest(into: Integers, from: Integers): void {
  for (let i = 0; i < into.length; i++) if (from[i]! > into[i]!) into[i] = from[i]!;
}
