import { uniform } from "#libs/deterministic";

/** The kinds of processes that a distributed system consists of. */
export const kinds = [
  "catalog",
  "finetune",
  "averaging",
  "sessions",
  "evaluation",
  "recycling",
  "gateway",
  "trainer",
  "nats-server",
] as const;
export type Kind = (typeof kinds)[number];

/** A kill: so long after the one before, or after the run began; `which` of several processes of the kind. */
export type Kill = { readonly kind: Kind; readonly afterMs: number; readonly which: number };

/** Each kind so many times, in an order and at moments that follow from the seed. */
export function scheduleKills(seed: number, each: number, { leastMs, mostMs }: { leastMs: number; mostMs: number }): Kill[] {
  const deck = kinds.flatMap((kind) => Array.from({ length: each }, () => kind));
  return shuffled(seed, deck).map((kind, i) => ({
    kind,
    afterMs: Math.round(leastMs + (mostMs - leastMs) * uniform(seed, 10_000 + i)),
    which: Math.floor(1000 * uniform(seed, 20_000 + i)),
  }));
}

/** Fisher and Yates. */
function shuffled<T>(seed: number, items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor((i + 1) * uniform(seed, i));
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
