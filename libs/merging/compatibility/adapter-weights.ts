import { availableParallelism } from "node:os";
import type { ModelFiles } from "#libs/models";
import { coordinates } from "#libs/tensors";
import { runInThreads } from "#libs/threads";
import { type Lora, readLora } from "../adapters/index.ts";
import type { AdapterProducts, AdapterWeightsUnit, FactorSource } from "./adapter-worker.ts";
import { cosines, equalModels, opposedPairs, outlierDistances } from "./judge-weights.ts";
import { type Measures, MOST_PAIRWISE, noMeasures } from "./measure.ts";
import { type Finding, finding, type WeightsReport } from "./report.ts";
import type { PassOptions } from "./weights-pass.ts";

/** Less is done at once on this thread. */
const SMALL_BYTES = 2 << 20;

/**
 * What the products of adapters are like, without making one: norms of what they add to their base, and cosines between them. Adapters that
 * cannot be read, and more than MOST_PAIRWISE, are not measured: undefined.
 */
export async function measureAdapters(
  adapters: readonly ModelFiles[],
  { threads, signal, onProgress }: PassOptions,
): Promise<{ weights: WeightsReport; findings: Finding[] } | undefined> {
  if (adapters.length > MOST_PAIRWISE) return undefined;
  const loras = adapters.map(readLora);
  const targets = [...new Set(loras.flatMap(({ modules }) => [...modules.keys()]))];
  const paths = [...new Set(adapters.flatMap(({ files }) => files.map(({ path }) => path)))];
  const units = targets.map((target): AdapterWeightsUnit => ({ modules: loras.map((lora) => sourcesOf(lora, target, paths)) }));
  const totalBytes = loras.reduce(
    (sum, { modules }) => sum + [...modules.values()].reduce((a, m) => a + m.a.place.length + m.b.place.length, 0),
    0,
  );
  const run = runInThreads<AdapterWeightsUnit, AdapterProducts>({
    module: new URL("adapter-worker.ts", import.meta.url),
    setup: { paths },
    units,
    threads: threads ?? (totalBytes < SMALL_BYTES ? 0 : availableParallelism()),
    signal,
  });
  const results: AdapterProducts[] = [];
  let done = 0;
  for await (const { index, result } of run) {
    results[index] = result;
    onProgress?.({ readBytes: Math.round((++done / units.length) * totalBytes), totalBytes });
  }
  const total = noMeasures(adapters.length);
  for (const { gram } of results) for (let i = 0; i < gram.length; i++) total.gram[i]! += gram[i]!;
  const names = adapters.map(({ name }) => name);
  return {
    weights: reportOf(names, total, totalBytes),
    findings: [
      ...brokenFactors(loras, targets, results),
      ...equalModels(names, total, true),
      ...outlierDistances(names, total, "what it adds to its base"),
      ...opposedPairs(names, cosines(total)),
    ],
  };
}

function sourcesOf({ model, modules }: Lora, target: string, paths: readonly string[]): AdapterWeightsUnit["modules"][number] {
  const module = modules.get(target);
  if (module === undefined) return undefined;
  const source = ({ place, rows, columns }: typeof module.a): FactorSource => {
    const { offset, dtype } = place;
    return { file: paths.indexOf(model.files[place.file]!.path), offset, dtype, rows, columns };
  };
  return { a: source(module.a), b: source(module.b), scaling: module.scaling };
}

function reportOf(names: readonly string[], total: Measures, readBytes: number): WeightsReport {
  const norms = names.map((_, k) => Math.sqrt(total.gram[k * names.length + k]!));
  return {
    reference: "base",
    readBytes,
    models: names.map((name, k) => ({ name, norm: norms[k]!, distance: norms[k]!, notFinite: total.notFinite[k]! })),
    cosines: cosines(total),
    layers: [],
  };
}

function* brokenFactors(loras: readonly Lora[], targets: readonly string[], results: readonly AdapterProducts[]): Generator<Finding> {
  for (const [k, { model, modules }] of loras.entries()) {
    const lines = results.flatMap(({ broken }, t) => {
      const module = modules.get(targets[t]!);
      if (module === undefined) return [];
      const { a, b } = broken[k]!;
      const say = (name: string, index: number, shape: readonly number[]) =>
        index < 0 ? [] : [`${name}: the first at [${coordinates(index, shape).join(", ")}]`];
      return [...say(module.names.a, a, module.a.place.shape), ...say(module.names.b, b, module.b.place.shape)];
    });
    if (lines.length > 0) {
      yield finding("error", "not-finite", `${model.name} has numbers that are NaN or infinite.`, { tensors: lines, models: [model.name] });
    }
  }
}
