import { BLOCK } from "../method.ts";
import { packPlane } from "./blocks.ts";
import { openFiles } from "./files.ts";
import type { Patch } from "./format.ts";
import { type BlockSources, bytesOf, type Piece, readBlock } from "./read-block.ts";

/** What a thread that writes sums is set up with. */
export type FoldSetup = BlockSources & {
  readonly to: { readonly path: string; readonly offsets: readonly number[]; readonly planes: number };
  /** Numbers of the planes that are taken: threads reserve room for their patches here. */
  readonly taken: BigInt64Array;
};

/** Adds members to the sums of some blocks and writes them. Gives the patches that were written. */
export function setup({ to, taken, ...sources }: FoldSetup) {
  const files = openFiles();

  function fold(piece: Piece): Patch[] {
    const { tensor, block } = piece;
    const sums = readBlock(files, sources, piece);
    files.write(to.path, to.offsets[tensor]! + 8 * BLOCK * block, bytesOf(sums.lead));
    return [sums.negativeZeros, sums.positiveZeros, ...sums.further].flatMap((numbers, plane): Patch[] => {
      const packed = numbers && packPlane(numbers);
      if (!packed) return [];
      const length = packed.numbers.length;
      const offset = Number(Atomics.add(taken, 0, BigInt(length)));
      files.write(to.path, to.planes + 8 * offset, bytesOf(packed.numbers));
      return [{ tensor, block, plane, form: packed.form, offset, length }];
    });
  }

  return { run: (pieces: readonly Piece[]) => pieces.flatMap(fold), close: () => files[Symbol.dispose]() };
}
