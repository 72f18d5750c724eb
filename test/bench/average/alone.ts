import type { BenchOptions } from "../benchmark.ts";
import type { Figure } from "../figures.ts";
import { average, averageOf, averageUnknown, diskLimit, onOneCore } from "./contenders.ts";
import { peaks, ratios, seconds } from "./results.ts";
import type { Workbench } from "./workbench.ts";

const MODELS = 8;
/** Fewer models, to see what the start of a command is in it. */
const FEWER = 4;

/** The mean of 8 and of 4 models in float32, without peers; with `beside`, against another clone, in the same turns. */
export async function aloneFigures(bench: Workbench, { runs, size, beside }: BenchOptions): Promise<Figure[]> {
  const models = await bench.models(MODELS, size, "float32");
  const fewer = { ...models, paths: models.paths.slice(0, FEWER) };
  const known = average(bench, models, "average", "--no-fsync");
  const [unknown, unknownFewer] = [models, fewer].map((some) =>
    averageUnknown(some, `average of ${some.paths.length}, digests unknown`, "--no-fsync"),
  ) as [ReturnType<typeof averageUnknown>, ReturnType<typeof averageUnknown>];
  const oneCore = onOneCore(average(bench, models, "average, one core", "--no-fsync", "--threads", "1"));
  const ours = [known, oneCore, unknown, unknownFewer];
  const theirs = beside === undefined ? [] : ours.map((contender) => averageOf(beside, contender));
  // The first run also finds the digests out.
  await bench.race([known], 1);
  // Who is compared runs one right after the other.
  const results = await bench.race([diskLimit(models), ...ours.flatMap((one, i) => [one, ...theirs.slice(i, i + 1)])], runs);
  return [
    ...seconds(results, `alone, ${size} MB each`),
    { name: "average / cat + write", unit: "", runs: ratios(results, "average", "cat + write"), atMost: 1.6 },
    { name: "one core / two", unit: "", runs: ratios(results, "average, one core", "average"), atLeast: 1.6 },
    { name: "digests unknown / known", unit: "", runs: ratios(results, unknown.name, "average") },
    ...ours.flatMap((one, i) => {
      const other = theirs[i];
      return other === undefined ? [] : [{ name: `${one.name}: here / beside`, unit: "", runs: ratios(results, one.name, other.name) }];
    }),
    ...peaks(results, {}),
  ];
}
