import { loadKernels } from "#libs/kernels";
import { type Dtype, tensorBytes } from "#libs/tensors";
import { BLOCK } from "../method.ts";
import { packPlane } from "./blocks.ts";
import { openFiles } from "./files.ts";
import type { SumBlock } from "./fold-block.ts";
import type { Patch } from "./format.ts";
import { type BlockSources, bytesOf, type Piece, readBlock } from "./read-block.ts";
import { createRoom } from "./room.ts";
import { type ExactDivisor, type RoundedBlock, roundBlock } from "./round-block.ts";

/** A file that sums are written to. */
export type SumsTarget = {
  readonly path: string;
  readonly offsets: readonly number[];
  readonly planes: number;
  /** Numbers of the planes that are taken: threads reserve room for their patches here. */
  readonly taken: BigInt64Array;
};

/** Where their average is written, tensor by tensor. */
export type AverageTarget = {
  readonly outputs: readonly { readonly path: string; readonly offset: number; readonly dtype: Dtype }[];
  readonly divisor: ExactDivisor;
  readonly count: number;
};

/** What a thread that makes sums is set up with: what of, and what is written, which may be both. */
export type SumsSetup = BlockSources & { readonly sums?: SumsTarget | undefined; readonly average?: AverageTarget | undefined };

/** What came of a unit: the patches that were written; how many numbers were computed in whole numbers; a result that is too large. */
export type SumsResult = {
  readonly patches: readonly Patch[];
  readonly redone: number;
  readonly overflow?: { readonly tensor: number; readonly element: number };
};

/** Makes the sums of some blocks, each read once, and writes them, their average or both. */
export function setup({ sums, average, ...sources }: SumsSetup) {
  const files = openFiles();
  const room = createRoom(loadKernels());

  function writeSums({ path, offsets, planes, taken }: SumsTarget, { tensor, block }: Piece, made: SumBlock): Patch[] {
    files.write(path, offsets[tensor]! + 8 * BLOCK * block, bytesOf(made.lead));
    return [made.negativeZeros, made.positiveZeros, ...made.further].flatMap((numbers, plane): Patch[] => {
      const packed = numbers && packPlane(numbers);
      if (!packed) return [];
      const length = packed.numbers.length;
      const offset = Number(Atomics.add(taken, 0, BigInt(length)));
      files.write(path, planes + 8 * offset, bytesOf(packed.numbers));
      return [{ tensor, block, plane, form: packed.form, offset, length }];
    });
  }

  function writeAverage({ outputs, divisor, count }: AverageTarget, piece: Piece, made: SumBlock): RoundedBlock {
    const { path, offset, dtype } = outputs[piece.tensor]!;
    const result = roundBlock(room, made, { divisor, count, dtype });
    const bytes = room.kernels.bytes(room.out, tensorBytes(dtype, [piece.count]));
    files.write(path, offset + tensorBytes(dtype, [BLOCK]) * piece.block, bytes);
    return result;
  }

  function run(pieces: readonly Piece[]): SumsResult {
    const patches: Patch[] = [];
    let redone = 0;
    let overflow: SumsResult["overflow"];
    for (const piece of pieces) {
      const made = readBlock(files, room, sources, piece);
      // The sums first: rounding may void them.
      if (sums) patches.push(...writeSums(sums, piece, made));
      if (!average) continue;
      const rounded = writeAverage(average, piece, made);
      redone += rounded.redone;
      if (rounded.overflow !== undefined) overflow ??= { tensor: piece.tensor, element: BLOCK * piece.block + rounded.overflow };
    }
    return { patches, redone, ...(overflow ? { overflow } : {}) };
  }

  return { run, close: () => files[Symbol.dispose]() };
}
