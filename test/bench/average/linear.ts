import type { BenchOptions } from "../benchmark.ts";
import type { Figure } from "../figures.ts";
import {
  average,
  averageUnknown,
  configuration,
  diskLimit,
  mergekit,
  onOneCore,
  startOfMergekit,
  startOfPyTorch,
  torchLoop,
} from "./contenders.ts";
import { peaks, type Results, ratios, seconds } from "./results.ts";
import type { Workbench } from "./workbench.ts";

const MODELS = 8;
/** How much larger the models of the part `large` are. */
const LARGE = 4;
const MOST_MEMORY_MB = 256;

/** The mean of 8 models in float32, against everybody. */
export async function linearFigures(bench: Workbench, { runs, size }: BenchOptions): Promise<Figure[]> {
  const models = await bench.models(MODELS, size, "float32");
  const config = await configuration(bench, models, { method: "linear", count: MODELS, each: { weight: 1 } });
  // The first run also finds the digests out.
  await bench.race([average(bench, models, "average", "--no-fsync")], 1);
  const results = await bench.race(
    [
      diskLimit(models),
      average(bench, models, "average", "--no-fsync"),
      average(bench, models, "average, synced"),
      averageUnknown(models, "average, digests unknown", "--no-fsync"),
      averageUnknown(models, "average, digests unknown, synced"),
      onOneCore(average(bench, models, "average, one core", "--no-fsync", "--threads", "1")),
      await torchLoop(bench, models),
      await startOfPyTorch(bench),
      await mergekit(bench, config, "mergekit"),
      await startOfMergekit(bench),
    ],
    runs,
  );
  return [
    ...seconds(results, `linear, ${MODELS} × ${size} MB`),
    { name: "average / cat + write", unit: "", runs: ratios(results, "average", "cat + write"), atMost: 2 },
    { name: "average, synced / cat + write", unit: "", runs: ratios(results, "average, synced", "cat + write") },
    { name: "PyTorch loop / average", unit: "", runs: ratios(results, "PyTorch loop", "average"), atLeast: 2.5 },
    { name: "mergekit / average", unit: "", runs: ratios(results, "mergekit", "average"), atLeast: 5 },
    ...(size === 400 ? againstEarlier(results) : []),
    { name: "one core / two", unit: "", runs: ratios(results, "average, one core", "average"), atLeast: 1.6 },
    ...peaks(results, { average: MOST_MEMORY_MB, "average, digests unknown": MOST_MEMORY_MB }),
  ];
}

/** The same ratios to what the peers took on two cores of another day, with the build of PyTorch that has no CUDA to load. */
function againstEarlier(results: Results): Figure[] {
  const times = results.get("average")!.map((run) => run.seconds);
  return [
    { name: "PyTorch loop of 2.3 s / average", unit: "", runs: times.map((time) => 2.3 / time), atLeast: 2.5 },
    { name: "mergekit of 6.4 s / average", unit: "", runs: times.map((time) => 6.4 / time), atLeast: 5 },
  ];
}

/** Bytes in a second for each type; files of one size, so that nothing but the type differs. */
export async function typeFigures(bench: Workbench, { runs, size }: BenchOptions): Promise<Figure[]> {
  const types = { f32: "float32", bf16: "bfloat16", f16: "float16" } as const;
  const contenders = [];
  for (const [name, dtype] of Object.entries(types)) {
    contenders.push(average(bench, await bench.models(MODELS, size, dtype), name, "--no-fsync"));
  }
  // The first run also finds the digests out.
  await bench.race(contenders, 1);
  const results = await bench.race(contenders, runs);
  const gigabytes = ((MODELS + 1) * size) / 1e3;
  return [
    ...Object.keys(types).map((name) => ({
      name: `average of ${name}, read and written`,
      unit: "GB/s",
      runs: results.get(name)!.map((run) => gigabytes / run.seconds),
    })),
    { name: "bf16 / f32, bytes in a second", unit: "", runs: ratios(results, "f32", "bf16"), atLeast: 0.75 },
    { name: "f16 / f32, bytes in a second", unit: "", runs: ratios(results, "f32", "f16"), atLeast: 0.75 },
    ...peaks(results, { bf16: MOST_MEMORY_MB, f16: MOST_MEMORY_MB }),
  ];
}

/** The mean of 8 models that are four times as large. */
export async function largeFigures(bench: Workbench, { runs, size }: BenchOptions): Promise<Figure[]> {
  const models = await bench.models(MODELS, size * LARGE, "float32");
  const config = await configuration(bench, models, { method: "linear", count: MODELS, each: { weight: 1 } });
  const contenders = [
    diskLimit(models),
    average(bench, models, "average", "--no-fsync"),
    average(bench, models, "average, synced"),
    await torchLoop(bench, models),
    await mergekit(bench, config, "mergekit"),
  ];
  await bench.race(contenders.slice(0, 2), 1);
  const results = await bench.race(contenders, runs);
  return [
    ...seconds(results, `linear, ${MODELS} × ${size * LARGE} MB`),
    { name: "large: average / cat + write", unit: "", runs: ratios(results, "average", "cat + write") },
    { name: "large: PyTorch loop / average", unit: "", runs: ratios(results, "PyTorch loop", "average"), atLeast: 2 },
    { name: "large: mergekit / average", unit: "", runs: ratios(results, "mergekit", "average"), atLeast: 2 },
    ...peaks(results, { average: MOST_MEMORY_MB }),
  ];
}
