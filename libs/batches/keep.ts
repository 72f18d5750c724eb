/** Values that are kept as long as they fit: what is kept stays, and nothing takes its place. */
export type Keep<V> = {
  get(key: string): V | undefined;
  /** Keeps a value of so many bytes, unless it is too much or there is one. */
  add(key: string, value: V, bytes: number): void;
  /** Bytes of all that is kept. */
  readonly bytes: number;
  /** Bytes that are left. */
  readonly room: number;
};

/**
 * Keeps nothing yet.
 *
 * Batches take pictures in any order, so that what was used last is as likely to come next as any other. Then nothing is gained by putting
 * out one for another, and a cache of those that were used last would hit nothing where each comes once an epoch.
 * @param most bytes of all together.
 * @example
 * ```ts
 * const keep = createKeep(10);
 * for (const key of ["a", "b", "c"]) keep.add(key, key.toUpperCase(), 4);
 * ["a", "b", "c"].map((key) => keep.get(key)); // ["A", "B", undefined]
 * ```
 */
export function createKeep<V>(most: number): Keep<V> {
  const values = new Map<string, V>();
  let total = 0;
  return {
    get: (key) => values.get(key),
    add(key, value, bytes) {
      if (values.has(key) || total + bytes > most) return;
      values.set(key, value);
      total += bytes;
    },
    get bytes() {
      return total;
    },
    get room() {
      return most - total;
    },
  };
}
