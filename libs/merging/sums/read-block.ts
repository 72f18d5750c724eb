import type { ElementType } from "#libs/kernels";
import { placeText, tensorBytes } from "#libs/tensors";
import { BLOCK } from "../method.ts";
import { unpackPlane } from "./blocks.ts";
import { SumsError } from "./errors.ts";
import type { OpenFiles } from "./files.ts";
import { type BlockMember, countedZeros, emptyBlock, foldBlock, type SumBlock } from "./fold-block.ts";
import type { Patch } from "./format.ts";
import type { SumTensor } from "./layout.ts";
import type { BlockRoom } from "./room.ts";

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

/**
 * The sums of a block: those on disk, with all members added. The leading parts are in the room: void with the next block, and when its
 * memory grows. @throws SumsError (not-finite, changed)
 */
export function readBlock(
  files: OpenFiles,
  room: BlockRoom,
  { layout, from, members, bothZeros }: BlockSources,
  { tensor, block, count, patches }: Piece,
): SumBlock {
  const { name, dtype, shape } = layout[tensor]!;
  const first = block * BLOCK;
  const sums = emptyBlock(room.kernels.float64(room.lead, count), bothZeros);
  if (from) {
    files.read(from.path, from.offsets[tensor]! + 8 * first, bytesOf(sums.lead));
    for (const patch of patches) {
      const numbers = new Float64Array(patch.length);
      files.read(from.path, from.planes + 8 * patch.offset, bytesOf(numbers));
      unpackPlane(sums, patch, numbers);
    }
  } else sums.lead.fill(0);
  const raw = room.kernels.bytes(room.raw, tensorBytes(dtype, [count]));
  members.forEach(({ name: model, places, weight, remove }, member) => {
    const { path, offset } = places[tensor]!;
    files.read(path, offset + tensorBytes(dtype, [first]), raw);
    const values = valuesOf(room, dtype as ElementType, count);
    const folded = { values, weight, remove };
    const bad = foldBlock(sums, folded, () => addQuickly(room, sums, folded));
    if (bad >= 0) {
      throw new SumsError(
        "not-finite",
        `tensor ${JSON.stringify(name)} is not finite${placeText(first + bad, shape)}: ${model} has ${values[bad]} there`,
        {
          tensor: name,
          member,
        },
      );
    }
  });
  return sums;
}

/** Adds where one double is enough; where not. */
function addQuickly(
  { kernels, lead, undecided }: BlockRoom,
  sums: SumBlock,
  member: BlockMember & { readonly values: Float32Array },
): Uint32Array {
  const { values, weight, remove } = member;
  const found = kernels.addProducts({
    ...{ sums: lead, values: values.byteOffset, factor: remove ? -weight : weight },
    ...{ zeros: countedZeros(sums, member), count: values.length, open: undecided },
  });
  return kernels.uint32(undecided, found);
}

function valuesOf({ kernels, raw, values }: BlockRoom, type: ElementType, count: number): Float32Array {
  if (type === "F32") return kernels.float32(raw, count);
  kernels.widen(type, raw, values, "F32", count);
  return kernels.float32(values, count);
}

export function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
