import type { Figure } from "../figures.ts";
import type { Run } from "./workbench.ts";

export type Results = ReadonlyMap<string, readonly Run[]>;

/** Wall seconds of every contender. */
export function seconds(results: Results, what: string): Figure[] {
  return [...results].map(([name, runs]) => ({ name: `${what}: ${name}`, unit: "s", runs: runs.map((run) => run.seconds) }));
}

/** By how much one took longer than the other, turn by turn. */
export function ratios(results: Results, one: string, other: string): number[] {
  return results.get(one)!.map((run, turn) => run.seconds / results.get(other)![turn]!.seconds);
}

/** Peak memory of every contender, with a bound for some. */
export function peaks(results: Results, atMost: { readonly [name: string]: number }): Figure[] {
  return [...results].map(([name, runs]) => ({
    name: `peak memory: ${name}`,
    unit: "MB",
    runs: runs.map((run) => run.peakMb),
    ...(atMost[name] === undefined ? {} : { atMost: atMost[name] }),
  }));
}
