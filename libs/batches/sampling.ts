import { openStream, PURPOSE } from "#libs/deterministic";

const WORD = 2 ** 32;

export type SamplingOptions = {
  readonly seed: number;
  /** How many rows each domain has: at least one. */
  readonly sizes: readonly number[];
  /** Rows of each domain in every step. */
  readonly batch: number;
  /** Whether a row may come again before all others have come. */
  readonly replacement: boolean;
};

/** One row of a batch. */
export type Sample = {
  /** Place among the domains. */
  readonly domain: number;
  /** Place among all that the domain ever gives, from 0. */
  readonly position: number;
  /** Place among the rows of the domain. */
  readonly index: number;
};

/**
 * Which rows each step has: `batch` of the first domain, then of the second, and so on. Position p of a domain with n rows is, with
 * replacement, `below(n)` at the place [domain, low half of p, high half of p]; without, number p mod n of a shuffle of all rows at the place
 * [domain, ⌊p / n⌋]. The step's first position is (step - 1) · batch.
 * @example
 * ```ts
 * const rowsOf = openSampling({ seed: 1, sizes: [3, 5], batch: 3, replacement: false });
 * rowsOf(1).map(({ index }) => index).slice(0, 3).sort(); // [0, 1, 2]
 * rowsOf(2)[3]; // { domain: 1, position: 3, index: 2 }
 * ```
 */
export function openSampling({ seed, sizes, batch, replacement }: SamplingOptions): (step: number) => Sample[] {
  const key = [seed, PURPOSE.order] as const;
  const orders = sizes.map((size) => rememberOrders((domain, epoch) => openStream(key, [domain, epoch]).shuffle(countUp(size))));

  function indexOf(domain: number, position: number): number {
    const size = sizes[domain]!;
    if (replacement) return openStream(key, placeOf(domain, position)).below(size);
    return orders[domain]!(domain, Math.floor(position / size))[position % size]!;
  }

  return (step) =>
    sizes.flatMap((_, domain) =>
      Array.from({ length: batch }, (_, b) => {
        const position = (step - 1) * batch + b;
        return { domain, position, index: indexOf(domain, position) };
      }),
    );
}

/** Where the random numbers of a position of a domain are. */
export function placeOf(domain: number, position: number): readonly [number, number, number] {
  return [domain, position % WORD, Math.floor(position / WORD)];
}

/** Positions are asked for in their order: an epoch is not needed again once the next one is. */
function rememberOrders(make: (domain: number, epoch: number) => Int32Array) {
  let known: { readonly epoch: number; readonly order: Int32Array } | undefined;
  return (domain: number, epoch: number): Int32Array => {
    if (known?.epoch !== epoch) known = { epoch, order: make(domain, epoch) };
    return known.order;
  };
}

function countUp(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => i);
}
