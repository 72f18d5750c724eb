import type { createArena } from "./memory.ts";
import type { Thinning } from "./types.ts";

const KINDS = { all: 0, chance: 1, band: 2 } as const;
/** Numbers of 32 bits in a row of the table of assembly/sparse.ts: kind, two numbers, nothing, factor, weight. */
const ROW = 8;

/** Writes the table of how models are thinned out. */
export function setThinnings(
  arena: ReturnType<typeof createArena>,
  table: number,
  thinnings: readonly Thinning[],
  factors: readonly number[],
  weights: readonly number[],
): void {
  const integers = arena.uint32(table, ROW * thinnings.length);
  const doubles = arena.float64(table, (ROW / 2) * thinnings.length);
  for (const [k, thinning] of thinnings.entries()) {
    const [kind, first, second] = numbersOf(thinning);
    integers[ROW * k] = kind;
    integers[ROW * k + 1] = first;
    integers[ROW * k + 2] = second;
    doubles[(ROW / 2) * k + 2] = factors[k]!;
    doubles[(ROW / 2) * k + 3] = weights[k]!;
  }
}

function numbersOf(thinning: Thinning): readonly [number, number, number] {
  if (thinning.kind === "band") return [KINDS.band, thinning.above, thinning.below];
  // All numbers of 32 bits are below 2^32.
  if (thinning.kind === "chance" && thinning.limit < 2 ** 32) return [KINDS.chance, thinning.start, thinning.limit];
  return [KINDS.all, 0, 0];
}
