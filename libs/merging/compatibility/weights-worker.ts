import { closeSync, openSync, readSync } from "node:fs";
import { type Dtype, dtypes, widen } from "#libs/tensors";
import { BLOCK, type Values } from "../method.ts";
import { type Measures, measure, noMeasures, scratchFor } from "./measure.ts";

/** Files by path, and how many models there are; the base is one more. */
export type WeightsSetup = { readonly paths: readonly string[]; readonly models: number; readonly hasBase: boolean };

/** Elements [first, first + count) of one tensor. `sources` are those of the models, then that of the base. */
export type WeightsUnit = {
  readonly first: number;
  readonly count: number;
  readonly sources: readonly { readonly file: number; readonly offset: number; readonly dtype: Dtype }[];
};

/** What runs in each thread of a full check: reads blocks of all models and measures them. */
export function setup({ paths, models, hasBase }: WeightsSetup): { run(unit: WeightsUnit): Measures; close(): void } {
  // Opened when they are first read: a thread may never see some of them.
  const files = new Map<number, number>();
  const scratch = scratchFor(models, BLOCK);
  const bytes = new Uint8Array(BLOCK * 8);
  const singles = Array.from({ length: models + 1 }, () => new Float32Array(BLOCK));
  let doubles: Float64Array[] | undefined;

  function read({ file, offset, dtype }: WeightsUnit["sources"][number], source: number, first: number, count: number): Values {
    let descriptor = files.get(file);
    if (descriptor === undefined) {
      descriptor = openSync(paths[file]!, "r");
      files.set(file, descriptor);
    }
    const size = dtypes.get(dtype)!.bits / 8;
    readFully(descriptor, bytes.subarray(0, count * size), offset + first * size, paths[file]!);
    if (dtype === "F64") doubles ??= Array.from({ length: models + 1 }, () => new Float64Array(BLOCK));
    const out = (dtype === "F64" ? doubles! : singles)[source]!.subarray(0, count);
    widen(dtype, bytes.subarray(0, count * size), out);
    return out;
  }

  return {
    run({ first, count, sources }) {
      const measures = noMeasures(models);
      for (let done = 0; done < count; done += BLOCK) {
        const block = Math.min(BLOCK, count - done);
        const values = sources.map((source, index) => read(source, index, first + done, block));
        const base = hasBase ? values.pop() : undefined;
        measure(measures, values, base, first + done, scratch);
      }
      return measures;
    },
    close() {
      for (const descriptor of files.values()) closeSync(descriptor);
    },
  };
}

function readFully(descriptor: number, into: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < into.length; ) {
    const bytesRead = readSync(descriptor, into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new RangeError(`${path} became shorter while it was read: it ends at byte ${position + done}`);
    done += bytesRead;
  }
}
