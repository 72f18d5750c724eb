import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { ModelFiles, TensorPlace, WeightsFile } from "#libs/models";
import { runInThreads } from "#libs/threads";
import { BLOCK } from "../method.ts";
import { type Measures, mergeMeasures, noMeasures } from "./measure.ts";
import { isAveraged } from "./structure.ts";
import type { WeightsSetup, WeightsUnit } from "./weights-worker.ts";

/** What was measured of each tensor, in the order of the first model's file. */
export type MeasuredTensor = { readonly name: string; readonly shape: readonly number[]; readonly measures: Measures };

export type PassOptions = {
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: { readonly readBytes: number; readonly totalBytes: number }) => void) | undefined;
};

// A unit is what a thread does in one go: some milliseconds, and few enough of them that results do not pile up.
const UNIT = 16 * BLOCK;
/** Less is done at once on this thread. */
const SMALL_BYTES = 8 << 20;

/** Floating-point tensors that all models have in one shape. Only these are measured; a full check of models that fit leaves none out. */
export function measurable(models: readonly Pick<ModelFiles, "tensors">[], exclude: ReadonlySet<string>): [string, TensorPlace][] {
  return [...models[0]!.tensors].filter(
    ([name, { shape }]) =>
      !exclude.has(name) &&
      models.every(({ tensors }) => {
        const place = tensors.get(name);
        return place !== undefined && isAveraged(place.dtype) && place.shape.join() === shape.join();
      }),
  );
}

/** Reads all weights once, block by block. Memory does not depend on the size of the models. Rejects where a file was changed. */
export async function measureFiles(
  models: readonly ModelFiles[],
  base: ModelFiles | undefined,
  exclude: ReadonlySet<string>,
  { threads, signal, onProgress }: PassOptions,
): Promise<{ tensors: MeasuredTensor[]; readBytes: number }> {
  const all = base === undefined ? models : [...models, base];
  const paths = [...new Set(all.flatMap(({ files }) => files.map(({ path }) => path)))];
  const indices = new Map(paths.map((path, index) => [path, index]));
  const tensors = measurable(all, exclude).map(([name, { shape }]) => ({ name, shape, measures: noMeasures(models.length) }));
  const units: WeightsUnit[] = [];
  const owners: { tensor: MeasuredTensor; bytes: number }[] = [];
  for (const tensor of tensors) {
    const places = all.map((model) => model.tensors.get(tensor.name)!);
    const sources = places.map(({ file, offset, dtype }, k) => ({ file: indices.get(all[k]!.files[file]!.path)!, offset, dtype }));
    const elements = tensor.shape.reduce((a, b) => a * b, 1);
    const bytes = places.reduce((sum, { length }) => sum + length, 0);
    for (let first = 0; first < elements; first += UNIT) {
      const count = Math.min(UNIT, elements - first);
      units.push({ first, count, sources });
      owners.push({ tensor, bytes: (bytes / elements) * count });
    }
  }
  const totalBytes = owners.reduce((sum, { bytes }) => sum + bytes, 0);
  const setup: WeightsSetup = { paths, models: models.length, hasBase: base !== undefined };
  const run = runInThreads<WeightsUnit, Measures>({
    module: new URL("weights-worker.ts", import.meta.url),
    setup,
    units,
    threads: threads ?? (totalBytes < SMALL_BYTES ? 0 : availableParallelism()),
    signal,
  });
  // Sums of floating-point numbers are taken in the order of the units, whichever comes first.
  const early = new Map<number, Measures>();
  let next = 0;
  let readBytes = 0;
  for await (const { index, result } of run) {
    early.set(index, result);
    readBytes += owners[index]!.bytes;
    onProgress?.({ readBytes, totalBytes });
    for (let measures = early.get(next); measures !== undefined; measures = early.get(next)) {
      mergeMeasures(owners[next]!.tensor.measures, measures);
      early.delete(next++);
    }
  }
  for (const file of all.flatMap(({ files }) => files)) await checkUnchanged(file);
  return { tensors, readBytes: totalBytes };
}

/** What was measured is only true of files that nobody changed meanwhile. */
async function checkUnchanged({ path, size, identity }: WeightsFile): Promise<void> {
  const now = await stat(path, { bigint: true });
  const same = now.dev === identity.device && now.ino === identity.inode && now.mtimeNs === identity.mtimeNs && now.size === BigInt(size);
  if (!same) throw new Error(`${path} was changed while it was read`);
}
