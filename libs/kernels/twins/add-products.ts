import type { AddProductsArguments } from "../types.ts";
import { readElements, writeElements } from "./elements.ts";
import { sumError } from "./error-free.ts";

/** The specification of `Kernels.addProducts`. */
export function addProductsTwin(memory: WebAssembly.Memory, args: AddProductsArguments): number {
  const { values, factor, zeros, count } = args;
  const sums = readElements(memory, "F64", args.sums, count);
  const open: number[] = [];
  readElements(memory, "F32", values, count).forEach((value, i) => {
    const term = factor * value;
    const sum = sums[i]! + term;
    const isExact = sumError(sums[i]!, term, sum) === 0;
    const isListed = term === 0 && (zeros === "both" || Object.is(term, zeros === "negative" ? -0 : 0));
    if (!isExact || isListed) open.push(i);
    else sums[i] = sum;
  });
  writeElements(memory, "F64", args.sums, sums);
  new Uint32Array(memory.buffer, args.open, open.length).set(open);
  return open.length;
}
