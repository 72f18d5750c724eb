import { type Dtype, tensorBytes, type WidenableDtype, widen } from "#libs/tensors";
import { BLOCK, type Values } from "../method.ts";
import { unpackPlane } from "./blocks.ts";
import { SumsError } from "./errors.ts";
import type { OpenFiles } from "./files.ts";
import { emptyBlock, foldBlock, type SumBlock } from "./fold-block.ts";
import type { Patch } from "./format.ts";
import type { SumTensor } from "./layout.ts";

/** Where the bytes of every tensor of the layout begin. */
export type Places = readonly { readonly path: string; readonly offset: number }[];

/** Sums on disk and members that are added to them, as plain data for threads. */
export type BlockSources = {
  readonly layout: readonly SumTensor[];
  readonly bothZeros: boolean;
  readonly from?: { readonly path: string; readonly offsets: readonly number[]; readonly planes: number } | undefined;
  readonly members: readonly { readonly name: string; readonly places: Places; readonly weight: number; readonly remove: boolean }[];
};

/** One block of one tensor, and what the sums have of it beside the leading parts. */
export type Piece = { readonly tensor: number; readonly block: number; readonly count: number; readonly patches: readonly Patch[] };

/** The sums of a block: those on disk, with all members added. @throws SumsError (not-finite, changed) */
export function readBlock(
  files: OpenFiles,
  { layout, from, members, bothZeros }: BlockSources,
  { tensor, block, count, patches }: Piece,
): SumBlock {
  const { name, dtype } = layout[tensor]!;
  const first = block * BLOCK;
  const sums = emptyBlock(count, bothZeros);
  if (from) {
    files.read(from.path, from.offsets[tensor]! + 8 * first, bytesOf(sums.lead));
    for (const patch of patches) {
      const numbers = new Float64Array(patch.length);
      files.read(from.path, from.planes + 8 * patch.offset, bytesOf(numbers));
      unpackPlane(sums, patch, numbers);
    }
  }
  const raw = new Uint8Array(tensorBytes(dtype, [count]));
  members.forEach(({ name: model, places, weight, remove }, member) => {
    const { path, offset } = places[tensor]!;
    files.read(path, offset + tensorBytes(dtype, [first]), raw);
    const bad = foldBlock(sums, { values: valuesOf(dtype, raw, count), weight, remove });
    if (bad >= 0) {
      const value = valuesOf(dtype, raw, count)[bad];
      throw new SumsError("not-finite", `tensor ${JSON.stringify(name)} of ${model} has ${value} at element ${first + bad}`, {
        tensor: name,
        member,
      });
    }
  });
  return sums;
}

function valuesOf(dtype: Dtype, raw: Uint8Array, count: number): Values {
  if (dtype === "F32") return new Float32Array(raw.buffer, raw.byteOffset, count);
  const values = new Float32Array(count);
  widen(dtype as WidenableDtype, raw, values);
  return values;
}

export function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
