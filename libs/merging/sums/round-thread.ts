import { loadKernels } from "#libs/kernels";
import { type Dtype, tensorBytes } from "#libs/tensors";
import { BLOCK } from "../method.ts";
import { openFiles } from "./files.ts";
import { type BlockSources, type Piece, readBlock } from "./read-block.ts";
import { type ExactDivisor, roundBlock } from "./round-block.ts";

/** What a thread that rounds sums is set up with. */
export type RoundSetup = BlockSources & {
  readonly outputs: readonly { readonly path: string; readonly offset: number; readonly dtype: Dtype }[];
  readonly divisor: ExactDivisor;
  readonly count: number;
};

/** How many numbers of a unit were computed in whole numbers, and how many became too large. */
export type RoundResult = { readonly redone: number; readonly overflowed: number };

/** Rounds the sums of some blocks and writes them. */
export function setup({ outputs, divisor, count, ...sources }: RoundSetup) {
  const files = openFiles();
  const kernels = loadKernels();

  function round(piece: Piece): RoundResult {
    const { path, offset, dtype } = outputs[piece.tensor]!;
    const sums = readBlock(files, sources, piece);
    const bytes = new Uint8Array(tensorBytes(dtype, [piece.count]));
    const result = roundBlock(kernels, sums, { divisor, count, dtype }, bytes);
    files.write(path, offset + tensorBytes(dtype, [BLOCK]) * piece.block, bytes);
    return result;
  }

  function run(pieces: readonly Piece[]): RoundResult {
    const all = pieces.map(round);
    return {
      redone: all.reduce((sum, { redone }) => sum + redone, 0),
      overflowed: all.reduce((sum, { overflowed }) => sum + overflowed, 0),
    };
  }

  return { run, close: () => files[Symbol.dispose]() };
}
