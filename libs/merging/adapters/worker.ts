import { openDescriptors, readAt, writeAt } from "#libs/files";
import { dtypes } from "#libs/tensors";
import { rowMaker } from "./rows.ts";
import type { AdapterOrigin, AdapterTensor } from "./types.ts";

export type AdapterSetup = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly origins: readonly AdapterOrigin[];
};
/** Rows of a tensor, and the position of the first one's bytes in its output. */
export type AdapterUnit = { readonly tensor: AdapterTensor; readonly first: number; readonly count: number };

/** What runs in each thread: makes rows and writes them where they belong. */
export function setup({ inputs, outputs, origins }: AdapterSetup): { run(unit: AdapterUnit): number; close(): void } {
  const descriptors = openDescriptors();
  const make = rowMaker((file, into, position) => {
    const path = inputs[file]!;
    const read = readAt(descriptors.of(path, "r"), into, position);
    if (read < into.length) throw new RangeError(`${path} became shorter while it was read: it ends at byte ${position + read}`);
  }, origins);
  return {
    run({ tensor, first, count }) {
      const bytes = make(tensor, first, count);
      const position = tensor.offset + (first * tensor.columns * dtypes.get(tensor.dtype)!.bits) / 8;
      writeAt(descriptors.of(outputs[tensor.file]!, "r+"), bytes, position);
      return bytes.length;
    },
    close: () => descriptors[Symbol.dispose](),
  };
}
