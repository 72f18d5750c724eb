import { randomState } from "./random-state.ts";
import { seedHash } from "./seed-hash.ts";

/**
 * DomainBed's split of a domain (domainbed/scripts/train.py): numpy shuffles its rows with the seed of (trial, domain); the first
 * floor(fraction x rows) are validation rows, the others training rows, both in the shuffled order.
 * @param rows how many the domain has; `domain` is its place in the data set, from 0.
 * @example
 * ```ts
 * const { training, validation } = splitRows(10, { fraction: 0.2, trial: 0, domain: 0 });
 * [[...validation], [...training]]; // [[2, 3], [8, 1, 4, 5, 0, 9, 6, 7]]
 * ```
 */
export function splitRows(
  rows: number,
  { fraction, trial, domain }: { readonly fraction: number; readonly trial: number; readonly domain: number },
): { readonly training: Int32Array; readonly validation: Int32Array } {
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  randomState(seedHash(trial, domain)).shuffle(order);
  const validation = Math.floor(fraction * rows);
  return { training: order.slice(validation), validation: order.slice(0, validation) };
}
