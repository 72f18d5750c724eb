import type { ModelFiles } from "#libs/models";
import { type MeasuredTensor, measureFiles, type PassOptions } from "./weights-pass.ts";

/** Two tensors of one shape: Euclidean norms of both and of their difference, and the cosine of the angle between them. */
export type TensorPair = {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly difference: number;
  /** -1 to 1; 0 where one of them is 0. */
  readonly cosine: number;
  readonly count: number;
  /** Numbers of both that are NaN or infinite: their places are left out. */
  readonly notFinite: number;
};

/**
 * Measures how two models differ, tensor by tensor, in threads: floating-point tensors that both have in one shape. Memory does not depend
 * on their size. Rejects where a file is changed while it is read, and with the signal's reason.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { openModel } from "#libs/models";
 * import { saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * for (const [name, data] of [["a", [3, 4]], ["b", [3, 0]]])
 *   await writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [2], data: Float32Array.from(data) }]])));
 * const [a, b] = await Promise.all(["a", "b"].map((name) => openModel(directory.join(name))));
 * const [pair] = await measurePair(a, b, { signal: new AbortController().signal });
 * [pair?.from, pair?.to, pair?.difference, pair?.cosine]; // [5, 3, 4, 0.6]
 * ```
 */
export async function measurePair(from: ModelFiles, to: ModelFiles, options: PassOptions): Promise<TensorPair[]> {
  const { tensors } = await measureFiles([from, to], undefined, new Set(), options);
  return tensors.map(pairOf);
}

function pairOf({ name, measures }: MeasuredTensor): TensorPair {
  const [from, to] = [measures.squares[0]!, measures.squares[1]!];
  // The gram is that of differences to the mean of the two, which are half of their difference.
  const difference = 4 * measures.gram[0]!;
  const both = Math.sqrt(from) * Math.sqrt(to);
  // Rounding must not tell equal ones apart.
  const cosine = both === 0 ? 0 : difference === 0 ? 1 : Math.max(-1, Math.min(1, (from + to - difference) / 2 / both));
  const notFinite = measures.notFinite.reduce((sum, count) => sum + count, 0);
  return { name, from: Math.sqrt(from), to: Math.sqrt(to), difference: Math.sqrt(difference), cosine, count: measures.count, notFinite };
}
