import type { SumBlock } from "./fold-block.ts";
import type { Patch } from "./format.ts";

/** What a plane of a block is on the disk, whichever is smallest. Undefined where it is all zeros. */
export function packPlane(plane: Float64Array): { form: Patch["form"]; numbers: Float64Array } | undefined {
  let used = 0;
  // By index: iterators take eight times as long.
  for (let i = 0; i < plane.length; i++) if (plane[i] !== 0) used++;
  if (used === 0) return undefined;
  if (used === plane.length && plane.every((value) => value === plane[0])) return { form: "constant", numbers: plane.slice(0, 1) };
  if (2 * used >= plane.length) return { form: "dense", numbers: plane };
  const numbers = new Float64Array(2 * used);
  let next = 0;
  for (let i = 0; i < plane.length; i++) {
    if (plane[i] === 0) continue;
    numbers[next++] = i;
    numbers[next++] = plane[i]!;
  }
  return { form: "sparse", numbers };
}

/** Puts what `packPlane` made back where it was. */
export function unpackPlane(block: SumBlock, { plane, form }: Pick<Patch, "plane" | "form">, numbers: Float64Array): void {
  const target = planeOf(block, plane);
  if (form === "constant") target.fill(numbers[0]!);
  else if (form === "dense") target.set(numbers);
  else for (let i = 0; i < numbers.length; i += 2) target[numbers[i]!] = numbers[i + 1]!;
}

function planeOf(block: SumBlock, plane: number): Float64Array {
  const count = block.lead.length;
  if (plane === 0) {
    block.negativeZeros ??= new Float64Array(count);
    return block.negativeZeros;
  }
  if (plane === 1) {
    block.positiveZeros ??= new Float64Array(count);
    return block.positiveZeros;
  }
  while (block.further.length < plane - 1) block.further.push(new Float64Array(count));
  return block.further[plane - 2]!;
}
