import { type Dtype, placeText } from "#libs/tensors";
import { AdapterError } from "./errors.ts";
import type { AdapterOrigin, AdapterSource, AdapterTensor } from "./types.ts";

/** From these magnitudes on a number is rounded to infinity: halfway between the largest number of the type and the next power of two. */
const TOO_LARGE: { readonly [dtype in Dtype]?: number } = {
  F16: 65520,
  BF16: (2 - 2 ** -8) * 2 ** 127,
  F32: (2 - 2 ** -24) * 2 ** 127,
  F64: Number.POSITIVE_INFINITY,
};

/** @throws AdapterError (not-finite) where a number that was read is none. `first` is the place of the first one in its tensor. */
export function requireFinite(values: Float64Array, first: number, source: AdapterSource, origins: readonly AdapterOrigin[]): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const origin = origins.find(({ file, offset }) => file === source.file && offset === source.offset);
    const { tensor, model, shape } = origin ?? { tensor: "?", model: "an input", shape: [] };
    const what = `tensor ${JSON.stringify(tensor)} is not finite${placeText(first + i, shape)}: ${model} has ${values[i]} there`;
    throw new AdapterError([what], "not-finite", tensor);
  }
}

/** @throws AdapterError (overflow) where a result is too large for the type that it is rounded to */
export function requireResults(values: Float64Array, first: number, { name, dtype, shape }: AdapterTensor): void {
  const limit = TOO_LARGE[dtype] ?? Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]!) < limit) continue;
    const why = `${values[i]} is too large for ${dtype}`;
    throw new AdapterError([`tensor ${JSON.stringify(name)} has no finite result${placeText(first + i, shape)}: ${why}`], "overflow", name);
  }
}
