import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { dtypes } from "#libs/tensors";
import { rowMaker } from "./rows.ts";
import type { AdapterTensor } from "./types.ts";

export type AdapterSetup = { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
/** Rows of a tensor, and the position of the first one's bytes in its output. */
export type AdapterUnit = { readonly tensor: AdapterTensor; readonly first: number; readonly count: number };

/** What runs in each thread: makes rows and writes them where they belong. */
export function setup({ inputs, outputs }: AdapterSetup): { run(unit: AdapterUnit): number; close(): void } {
  const opened = new Map<string, number>();
  const descriptor = (path: string, flags: string) => {
    const known = opened.get(path);
    if (known !== undefined) return known;
    const fresh = openSync(path, flags);
    opened.set(path, fresh);
    return fresh;
  };
  const make = rowMaker((file, into, position) => {
    const path = inputs[file]!;
    const from = descriptor(path, "r");
    for (let done = 0; done < into.length; ) {
      const bytesRead = readSync(from, into, done, into.length - done, position + done);
      if (bytesRead === 0) throw new RangeError(`${path} became shorter while it was read: it ends at byte ${position + done}`);
      done += bytesRead;
    }
  });
  return {
    run({ tensor, first, count }) {
      const bytes = make(tensor, first, count);
      const to = descriptor(outputs[tensor.file]!, "r+");
      const position = tensor.offset + (first * tensor.columns * dtypes.get(tensor.dtype)!.bits) / 8;
      for (let done = 0; done < bytes.length; ) done += writeSync(to, bytes, done, bytes.length - done, position + done);
      return bytes.length;
    },
    close() {
      for (const each of opened.values()) closeSync(each);
    },
  };
}
