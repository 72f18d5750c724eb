import type { ElementType } from "#libs/kernels";
import { type Dtype, tensorBytes } from "#libs/tensors";
import { meanOfWindow } from "../exact/index.ts";
import type { SumBlock } from "./fold-block.ts";
import type { BlockRoom } from "./room.ts";

/** What sums are divided by, exactly: a canonical expansion (expansion.ts) that is not zero. */
export type ExactDivisor = readonly number[];

/** How many numbers were computed in whole numbers, and the first one of the block that is too large for the type, where there is one. */
export type RoundedBlock = { readonly redone: number; readonly overflow?: number };

/**
 * Writes sum / divisor, rounded once to a type, where the room has its place for that: to nearest, ties to even. `count` is how many members
 * are in: where all their products are -0, so is the result. A divisor below zero changes its sign, and that of all products. The same bytes
 * as the mean of the members at once: the parts of the sums are averaged as members are there.
 */
export function roundBlock(
  room: BlockRoom,
  { lead: { length: size }, further, negativeZeros, positiveZeros }: SumBlock,
  { divisor, count, dtype }: { readonly divisor: ExactDivisor; readonly count: number; readonly dtype: Dtype },
): RoundedBlock {
  const { kernels, out, spare, undecided } = room;
  const negative = divisor[0]! < 0;
  const zeros = divisor.length > 1 ? room.part(further.length + 1) : 0;
  // What was lent before the last of them may be void.
  const inputs = [negative ? room.part(0) : room.lead, ...further.map((_, p) => room.part(p + 1))];
  const lead = kernels.float64(room.lead, size);
  for (const [p, part] of [lead, ...further].entries())
    if (inputs[p] !== room.lead) kernels.float64(inputs[p]!, size).set(negative ? part.map(opposite) : part);
  if (zeros > 0) kernels.float64(zeros, size).fill(0);
  const result = meanOfWindow(kernels, {
    ...divided(inputs, zeros, negative ? divisor.map(opposite) : divisor),
    ...{ type: "F64", out, outType: dtype as ElementType, count: size, undecided, spare },
  });
  const signed = negative ? positiveZeros : negativeZeros;
  if (signed) {
    const bytes = tensorBytes(dtype, [1]);
    const written = kernels.bytes(out, size * bytes);
    // Little-endian: the sign is in the last byte.
    for (let i = 0; i < size; i++) if (lead[i] === 0 && signed[i] === count) written[i * bytes + bytes - 1]! |= 0x80;
  }
  const { redone, overflowed } = result;
  return { redone, ...(overflowed > 0 ? { overflow: kernels.firstNotFinite(dtype as ElementType, out, size) } : {}) };
}

/** Zero stays +0. */
const opposite = (value: number) => 0 - value;

/**
 * The parts of the sums, each once, and what they are divided by. A divisor of several parts is no double; it becomes the sum of the
 * weights: those of the parts, taken away again by zeros, and zeros weighted with the divisor's parts.
 */
function divided(parts: readonly number[], zeros: number, divisor: ExactDivisor) {
  const ones = parts.map(() => 1);
  if (divisor.length === 1) return { inputs: parts, weights: ones, divisor: divisor[0]! };
  const others = [...divisor, ...parts.map(() => -1)];
  return { inputs: [...parts, ...others.map(() => zeros)], weights: [...ones, ...others], divisor: "sum" as const };
}
