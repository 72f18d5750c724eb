import { BLOCK } from "../method.ts";
import type { Patch } from "./format.ts";
import { elementsOf, type SumTensor } from "./layout.ts";
import type { Piece } from "./read-block.ts";

/** Numbers of a unit of work: large enough that handing it to a thread costs nothing beside it. */
const UNIT = 16 * BLOCK;

/** All blocks of the tensors that are summed, in units of several blocks or of several small tensors. */
export function piecesOf(layout: readonly SumTensor[], patches: readonly Patch[]): Piece[][] {
  const byBlock = Map.groupBy(patches, ({ tensor, block }) => `${tensor} ${block}`);
  const units: Piece[][] = [];
  let numbers = UNIT;
  layout.forEach((entry, tensor) => {
    if (entry.rule !== "sum") return;
    const elements = elementsOf(entry);
    for (let block = 0; block * BLOCK < elements; block++) {
      const count = Math.min(BLOCK, elements - block * BLOCK);
      if (numbers + count > UNIT) {
        units.push([]);
        numbers = 0;
      }
      units.at(-1)!.push({ tensor, block, count, patches: byBlock.get(`${tensor} ${block}`) ?? [] });
      numbers += count;
    }
  });
  return units;
}
