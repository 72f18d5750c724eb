import { type Dtype, dtypes, type NarrowDtype, narrow } from "#libs/tensors";
import { exactQuotient } from "./exact-quotient.ts";
import type { SumBlock } from "./fold-block.ts";

/** What sums are divided by, exactly: a canonical expansion (expansion.ts). */
export type ExactDivisor = readonly number[];

/** How many numbers were computed in whole numbers, and how many became too large for the type. */
export type RoundedBlock = { readonly redone: number; readonly overflowed: number };

/**
 * Writes sum / divisor, rounded once to a type: to nearest, ties to even. `count` is how many members are in: where all their products are
 * -0, so is the result. The same bytes as the mean of the members at once, which is the one right answer.
 */
export function roundBlock(
  { lead, further, negativeZeros }: SumBlock,
  { divisor, count, dtype }: { readonly divisor: ExactDivisor; readonly count: number; readonly dtype: Dtype },
  out: Uint8Array,
): RoundedBlock {
  const type = dtype as NarrowDtype;
  const first = divisor[0] ?? 0;
  // A tie of the type has 25 bits at most, so tie · divisor is a double, and the quotient of a sum that is another double cannot round to it.
  const exactDivision = divisor.length === 1 && type !== "F64" && Number.isInteger(first) && first >= 1 && first <= 2 ** 27;
  const means = new Float64Array(lead.length);
  const open: number[] = [];
  for (let i = 0; i < lead.length; i++) {
    means[i] = lead[i]! / first;
    if (lead[i] === 0) means[i] = count > 0 && negativeZeros?.[i] === count ? -0 : 0;
    else if (!exactDivision || further.some((plane) => plane[i] !== 0)) open.push(i);
  }
  const redone = settle(open, { lead, further }, divisor, type, means);
  narrow(type, means, out);
  return { redone, overflowed: countInfinite(type, out) };
}

/** Decides how the quotients at some indices round: by an error bound (Ziv's test), or else in whole numbers. */
function settle(
  open: readonly number[],
  { lead, further }: SumBlock,
  divisor: ExactDivisor,
  type: NarrowDtype,
  means: Float64Array,
): number {
  if (open.length === 0) return 0;
  // The leading parts of sum and divisor and the quotient err by at most 2^-53 of it each; doubled, to be safe.
  const around = (sign: number) => Float64Array.from(open, (i) => means[i]! * (1 + sign * 2 ** -50));
  const [low, high] = [roundAll(type, around(-1)), roundAll(type, around(1))];
  const size = dtypes.get(type)!.bits / 8;
  let redone = 0;
  open.forEach((i, k) => {
    const mean = means[i]!;
    // Near the smallest doubles, and beyond the largest, the bound does not hold.
    const bounded = Math.abs(mean) > 2 ** -900 && Number.isFinite(mean);
    if (bounded && Buffer.compare(low.subarray(k * size, (k + 1) * size), high.subarray(k * size, (k + 1) * size)) === 0) return;
    means[i] = exactQuotient([lead[i]!, ...further.map((plane) => plane[i]!)], divisor, type);
    redone++;
  });
  return redone;
}

function roundAll(type: NarrowDtype, values: Float64Array): Uint8Array {
  const bytes = new Uint8Array((values.length * dtypes.get(type)!.bits) / 8);
  narrow(type, values, bytes);
  return bytes;
}

function countInfinite(type: NarrowDtype, bytes: Uint8Array): number {
  let infinite = 0;
  if (type === "F64")
    for (const value of new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8))
      infinite += Number(Math.abs(value) === Number.POSITIVE_INFINITY);
  else if (type === "F32")
    for (const value of new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
      infinite += Number(Math.abs(value) === Number.POSITIVE_INFINITY);
  else {
    const infinity = type === "F16" ? 0x7c00 : 0x7f80;
    for (const bits of new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)) infinite += Number((bits & 0x7fff) === infinity);
  }
  return infinite;
}
