import type { BenchOptions } from "../benchmark.ts";
import type { Figure } from "../figures.ts";
import { configuration, merge, mergekit, type Recipe } from "./contenders.ts";
import { peaks, type Results, ratios, seconds } from "./results.ts";
import type { Workbench } from "./workbench.ts";

const MODELS = 8;

/** By how much we are to be faster; what mergekit took on two cores of another day, for 8 × 400 MB. */
const recipes: readonly (Recipe & { readonly atLeast: number; readonly earlier?: number })[] = [
  { method: "ties", count: MODELS, base: true, each: { weight: 1, density: 0.5 }, all: { lambda: 1 }, atLeast: 15, earlier: 83 },
  { method: "dare_linear", count: MODELS, base: true, each: { weight: 0.125, density: 0.5 }, atLeast: 8, earlier: 20.7 },
  { method: "model_stock", count: MODELS, base: true, atLeast: 4, earlier: 8.1 },
  { method: "task_arithmetic", count: MODELS, base: true, each: { weight: 0.125 }, atLeast: 4, earlier: 7.7 },
  { method: "slerp", count: 2, base: "first", all: { t: 0.4 }, atLeast: 4 },
  { method: "nuslerp", count: 2, each: { weight: 0.5 }, atLeast: 4 },
  { method: "multislerp", count: MODELS, each: { weight: 0.125 }, atLeast: 4 },
];

/** Every method that has a bound, against mergekit with the same configuration. */
export async function methodFigures(bench: Workbench, { runs, size }: BenchOptions): Promise<Figure[]> {
  const models = await bench.models(MODELS, size, "float32");
  const figures: Figure[] = [];
  for (const { atLeast, earlier, ...recipe } of recipes) {
    const config = await configuration(bench, models, recipe);
    const [ours, theirs] = [merge(bench, config, "ratatouille"), await mergekit(bench, config, "mergekit")];
    // Once before, so that the digests are known.
    await bench.race([ours], 1);
    const results = await bench.race([ours, theirs], runs);
    const what = `${recipe.method}, ${recipe.count} × ${size} MB`;
    figures.push(
      ...seconds(results, what),
      { name: `${recipe.method}: mergekit / ratatouille`, unit: "", runs: ratios(results, "mergekit", "ratatouille"), atLeast },
      ...(earlier === undefined || size !== 400 ? [] : [againstEarlier(recipe.method, earlier, results, atLeast)]),
      ...peaks(results, { ratatouille: 256 }).map((figure) => ({ ...figure, name: `${recipe.method}, ${figure.name}` })),
    );
  }
  return figures;
}

function againstEarlier(method: string, earlier: number, results: Results, atLeast: number): Figure {
  const runs = results.get("ratatouille")!.map((run) => earlier / run.seconds);
  return { name: `${method}: mergekit of ${earlier} s / ratatouille`, unit: "", runs, atLeast };
}
