import { BLOCK, type Program, type Range } from "../../method.ts";

type Ranges = Extract<Program, { kind: "ranges" }>;

/** A tensor of one block is one range: its reductions can be done where its numbers are made, so that it is read once. */
export function inline(program: Ranges, elements: number): Ranges {
  const { reductions, apply } = program;
  if (elements > BLOCK || reductions.length === 0 || reductions.some(({ scope }) => scope === "model")) return program;
  return { ...program, reductions: [], apply: (range, _, out) => apply(range, resultsOf(program, range), out) };
}

function resultsOf({ reductions }: Ranges, range: Range): readonly unknown[] {
  const results: unknown[] = [];
  for (const reduction of reductions) {
    if (reduction.order === "blocks") {
      results.push(reduction.finish(reduction.block(range, results) as never));
      continue;
    }
    const state = reduction.start() as never;
    if (reduction.needed?.(results) !== false) reduction.add(state, range, results);
    results.push(reduction.finish(state));
  }
  return results;
}
