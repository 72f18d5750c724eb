import type { Kernels } from "#libs/kernels";
import { BLOCK } from "../method.ts";

/** Where a thread makes one block after another: addresses in the memory of its kernels, each of room for a block. */
export type BlockRoom = {
  readonly kernels: Kernels;
  /** For the leading parts: F64. */
  readonly lead: number;
  /** For a member's numbers as they are in its file, and as F32. */
  readonly raw: number;
  readonly values: number;
  /** For what is rounded, twice, of any type. */
  readonly out: number;
  readonly spare: number;
  readonly undecided: number;
  /** For further parts, F64, as many as are asked for. May grow the memory, which voids views of it. */
  part(index: number): number;
};

/** All memory of the kernels that was given out before is void. */
export function createRoom(kernels: Kernels): BlockRoom {
  kernels.release();
  const parts: number[] = [];
  return {
    kernels,
    lead: kernels.allocate(8 * BLOCK),
    raw: kernels.allocate(4 * BLOCK),
    values: kernels.allocate(4 * BLOCK),
    out: kernels.allocate(8 * BLOCK),
    spare: kernels.allocate(8 * BLOCK),
    undecided: kernels.allocate(4 * BLOCK),
    part(index) {
      while (parts.length <= index) parts.push(kernels.allocate(8 * BLOCK));
      return parts[index]!;
    },
  };
}
