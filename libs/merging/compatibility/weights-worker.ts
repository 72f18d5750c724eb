import { openDescriptors, readAt } from "#libs/files";
import type { ElementType } from "#libs/kernels";
import { type Dtype, dtypes } from "#libs/tensors";
import { type Measures, noMeasures } from "./measure.ts";
import { createMeasurer } from "./measurer.ts";

/** Files by path, and how many models there are; the base is one more. */
export type WeightsSetup = { readonly paths: readonly string[]; readonly models: number; readonly hasBase: boolean };

/** Elements [first, first + count) of one tensor. `sources` are those of the models, then that of the base. */
export type WeightsUnit = {
  readonly first: number;
  readonly count: number;
  readonly sources: readonly { readonly file: number; readonly offset: number; readonly dtype: Dtype }[];
};

/** Files that a thread has open at once: a process may have some thousand in all. */
const MOST_OPEN = 100;

/** What runs in each thread of a full check: reads blocks of all models and measures them. */
export function setup({ paths, models, hasBase }: WeightsSetup): { run(unit: WeightsUnit): Measures; close(): void } {
  // Opened when they are first read: a thread may never see some of them.
  const descriptors = openDescriptors(MOST_OPEN);
  const measurer = createMeasurer(models, hasBase);

  function read({ file, offset, dtype }: WeightsUnit["sources"][number], source: number, first: number, count: number): void {
    const path = paths[file]!;
    const size = dtypes.get(dtype)!.bits / 8;
    const into = measurer.room(source, count * size);
    const found = readAt(descriptors.of(path, "r"), into, offset + first * size);
    if (found < into.length)
      throw new RangeError(`${path} became shorter while it was read: it ends at byte ${offset + first * size + found}`);
  }

  return {
    run({ first, count, sources }) {
      const measures = noMeasures(models);
      const types = sources.map(({ dtype }) => dtype as ElementType);
      for (let done = 0; done < count; done += measurer.elements) {
        const block = Math.min(measurer.elements, count - done);
        for (const [index, source] of sources.entries()) read(source, index, first + done, block);
        measurer.add(measures, types, block, first + done);
      }
      return measures;
    },
    close: () => descriptors[Symbol.dispose](),
  };
}
