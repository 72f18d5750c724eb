import type { ElementType } from "#libs/kernels";
import { type Dtype, dtypes } from "#libs/tensors";
import { type CompareOptions, compareModels } from "./compare.ts";
import type { Description } from "./description.ts";
import { judgeWeights } from "./judge-weights.ts";
import { noMeasures } from "./measure.ts";
import { createMeasurer } from "./measurer.ts";
import { type CompatibilityReport, judge } from "./report.ts";
import { type MeasuredTensor, measurable } from "./weights-pass.ts";

/** A model whose weights come from somewhere, range by range: a catalog, for example. */
export type StreamedModel = Description & {
  /** Bytes of a tensor from `offset` on. */
  readonly read: (tensor: string, range: { readonly offset: number; readonly length: number }) => Promise<Uint8Array>;
};

export type CheckStreamsOptions = Omit<CompareOptions, "base"> & {
  readonly base?: StreamedModel | undefined;
  /** Read all weights once, and say what is suspicious of them. */
  readonly full?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: { readonly readBytes: number; readonly totalBytes: number }) => void) | undefined;
};

/**
 * As checkModels, for models that are not in files here. Weights are read tensor by tensor, block by block, each byte once, in ascending
 * order within a model; memory is a few blocks for each model.
 */
export async function checkStreams(models: readonly StreamedModel[], options: CheckStreamsOptions): Promise<CompatibilityReport> {
  const { base, full = false, exclude = new Set() } = options;
  const report = await compareModels(models, options);
  if (!full) return report;
  const all = base === undefined ? models : [...models, base];
  const places = measurable(all, exclude);
  if (places.length === 0) return report;
  const { tensors, readBytes } = await measureStreams(
    models,
    base,
    places.map(([name, { shape }]) => ({ name, shape })),
    options,
  );
  const { weights, findings } = judgeWeights(
    models.map(({ name }) => name),
    tensors,
    { hasBase: base !== undefined, readBytes },
  );
  return { ...report, ...judge([...report.findings, ...findings]), weights };
}

async function measureStreams(
  models: readonly StreamedModel[],
  base: StreamedModel | undefined,
  layout: readonly { readonly name: string; readonly shape: readonly number[] }[],
  { signal, onProgress }: CheckStreamsOptions,
): Promise<{ tensors: MeasuredTensor[]; readBytes: number }> {
  const all = base === undefined ? models : [...models, base];
  const measurer = createMeasurer(models.length, base !== undefined);
  const sizeOf = (dtype: Dtype) => dtypes.get(dtype)!.bits / 8;
  const totalBytes = layout.reduce((sum, { name }) => sum + all.reduce((a, { tensors }) => a + tensors.get(name)!.length, 0), 0);
  const tensors: MeasuredTensor[] = [];
  let readBytes = 0;
  for (const { name, shape } of layout) {
    const measures = noMeasures(models.length);
    const elements = shape.reduce((a, b) => a * b, 1);
    const types = all.map(({ tensors }) => tensors.get(name)!.dtype as ElementType);
    for (let first = 0; first < elements; first += measurer.elements) {
      signal.throwIfAborted();
      const count = Math.min(measurer.elements, elements - first);
      for (const [k, model] of all.entries()) {
        const size = sizeOf(types[k]!);
        const bytes = await model.read(name, { offset: first * size, length: count * size });
        measurer.room(k, bytes.length).set(bytes);
        readBytes += bytes.length;
      }
      measurer.add(measures, types, count, first);
      onProgress?.({ readBytes, totalBytes });
    }
    tensors.push({ name, shape, measures });
  }
  return { tensors, readBytes };
}
