import { type ElementType, type Kernels, MAX_INPUTS, type MeanArguments } from "#libs/kernels";
import { type Division, divisionOf } from "./divisor.ts";
import { readElement, writeElement } from "./elements.ts";
import { exactMean } from "./exact-mean.ts";

/** Arguments of a mean. `divisor` is a number above zero, or the exact sum of the weights. */
export type WindowMean = Omit<MeanArguments, "divisor"> & {
  readonly divisor: number | "sum";
  /** Address of room for `count` elements of `outType`: used where the sum of the weights is not a double. */
  readonly spare: number;
};

/** What became of a window. */
export type WindowResult = {
  /** Numbers that f64 could not decide: computed in whole numbers. */
  readonly redone: number;
  /** Of those, the results that are too large for the type: infinite. */
  readonly overflowed: number;
  /** The first element that is not finite in an input, and in which. Then the window means nothing. */
  readonly notFinite?: { readonly index: number; readonly input: number; readonly value: number };
};

const CLEAN: WindowResult = { redone: 0, overflowed: 0 };

/**
 * The one place where the correctly rounded mean is made: out[i] = Σ weights[k] · inputs[k][i] / divisor, exact and rounded once. The kernel
 * decides nearly all; the rest is done again in whole numbers. The bytes do not depend on the order of the inputs nor on the window.
 */
export function meanOfWindow(kernels: Kernels, args: WindowMean): WindowResult {
  const division = divided(args.weights, args.divisor);
  const open = undecided(kernels, args, division);
  if (open.length === 0) return CLEAN;
  return redo(kernels, args, open);
}

// Windows of a tensor have the same weights: no need to add them up again.
let last: { weights: readonly number[]; divisor: number | "sum"; division: Division } | undefined;

function divided(weights: readonly number[], divisor: number | "sum"): Division {
  if (last?.weights !== weights || last.divisor !== divisor) last = { weights, divisor, division: divisionOf(weights, divisor) };
  return last.division;
}

/** Indices that the kernel leaves open, ascending. */
function undecided(kernels: Kernels, args: WindowMean, { weights, low, high }: Division): ArrayLike<number> {
  const { inputs, type, out, outType, count, undecided: address } = args;
  if (inputs.length > MAX_INPUTS) return Uint32Array.from({ length: count }, (_, i) => i);
  const common = { inputs, type, outType, count, undecided: address };
  const open = kernels.mean({ ...common, weights, divisor: low, out });
  if (low === high) return kernels.uint32(address, open);
  // The quotient grows steadily as the divisor shrinks: where both neighbours of the divisor give the same number, so does what lies between.
  const all = new Set<number>(kernels.uint32(address, open));
  const more = kernels.mean({ ...common, weights, divisor: high, out: args.spare });
  for (const index of kernels.uint32(address, more)) all.add(index);
  const bytes = outType === "F64" ? 8 : outType === "F32" ? 4 : 2;
  const one = kernels.bytes(out, count * bytes);
  const other = kernels.bytes(args.spare, count * bytes);
  if (Buffer.compare(one, other) !== 0) {
    for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) all.add(Math.floor(at / bytes));
  }
  return [...all].sort((a, b) => a - b);
}

function redo(kernels: Kernels, args: WindowMean, open: ArrayLike<number>): WindowResult {
  const { inputs, type, weights, divisor, out, outType } = args;
  const values = new Float64Array(inputs.length);
  const memory = new DataView(kernels.memory.buffer);
  let overflowed = 0;
  for (let at = 0; at < open.length; at++) {
    const index = open[at]!;
    for (let k = 0; k < inputs.length; k++) {
      values[k] = readElement(memory, type, inputs[k]!, index);
      if (!Number.isFinite(values[k])) return { ...CLEAN, notFinite: { index, input: k, value: values[k]! } };
    }
    const mean = exactMean(values, weights, divisor, outType satisfies ElementType);
    if (!Number.isFinite(mean)) overflowed++;
    writeElement(memory, outType, out, index, mean);
  }
  return { redone: open.length, overflowed };
}
