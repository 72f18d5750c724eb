import type { Method } from "./methods.ts";
import type { Difference, Result } from "./report.ts";
import { estimate, perSeedMeans } from "./statistics.ts";

/** Accuracies are ratios of counts, means of them may differ in the last bit: closer than this is equal. */
export const EQUAL = 1e-12;

/** Differences that a report shows beside those between recycling and every other method. */
const otherPairs: readonly (readonly [Method, Method])[] = [
  ["soup", "erm"],
  ["recycling-greedy", "soup-greedy"],
];

/** The paired differences that a report shows: recycling against each other method, and a few that explain those. */
export function pairedDifferences(results: readonly Result[], methods: readonly Method[], domains: readonly string[]): Difference[] {
  const pairs: (readonly [Method, Method])[] = [
    ...methods.filter((method) => method !== "recycling").map((method) => ["recycling", method] as const),
    ...otherPairs.filter((pair) => pair.every((method) => methods.includes(method))),
  ];
  return pairs.flatMap(([a, b]) => pairedDifference(results, a, b, domains) ?? []);
}

/** a - b in the cells in which both were measured; null if there is none, or if no seed has all domains. */
function pairedDifference(results: readonly Result[], a: Method, b: Method, domains: readonly string[]): Difference | null {
  const others = new Map(results.filter((result) => result.method === b).map((result) => [cellName(result), result.accuracy]));
  const cells = results.flatMap((result) => {
    const other = others.get(cellName(result));
    if (result.method !== a || other === undefined) return [];
    return [{ seed: result.seed, heldOut: result.heldOut, value: result.accuracy - other }];
  });
  const seeds = perSeedMeans(cells, domains);
  const over = estimate(seeds);
  if (over === null) return null;
  return {
    a,
    b,
    mean: over.mean,
    sem: over.sem,
    won: cells.filter(({ value }) => value > EQUAL).length,
    tied: cells.filter(({ value }) => Math.abs(value) <= EQUAL).length,
    lost: cells.filter(({ value }) => value < -EQUAL).length,
    cells: cells.length,
    seeds: seeds.length,
    columns: domains.flatMap((heldOut) => {
      const column = estimate(cells.filter((cell) => cell.heldOut === heldOut).map((cell) => cell.value));
      return column === null ? [] : [{ heldOut, ...column }];
    }),
  };
}

function cellName(result: Result): string {
  return `${result.seed} ${result.heldOut}`;
}
