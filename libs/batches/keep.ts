/** Values that are kept as long as they fit: what is kept stays, and nothing takes its place. */
export type Keep<V> = {
  get(key: string): V | undefined;
  /** Sets room aside for values that are on their way: so many bytes, or fewer where fewer are left. */
  reserve(bytes: number): Room<V>;
  /** Bytes of all that is kept. */
  readonly bytes: number;
  /** Bytes that are neither kept nor set aside. */
  readonly room: number;
};

/** Room that is set aside until it is disposed of. */
export type Room<V> = Disposable & {
  /** Bytes that are left of it. */
  readonly bytes: number;
  /** Keeps a value of so many bytes, unless it is too much or there is one. */
  add(key: string, value: V, bytes: number): void;
};

/**
 * Keeps nothing yet.
 *
 * Batches take pictures in any order, so that what was used last is as likely to come next as any other. Then nothing is gained by putting
 * out one for another, and a cache of those that were used last would hit nothing where each comes once an epoch.
 * @param most bytes of all together, of those that are on their way too.
 * @example
 * ```ts
 * const keep = createKeep(10);
 * using room = keep.reserve(100);
 * for (const key of ["a", "b", "c"]) room.add(key, key.toUpperCase(), 4);
 * ["a", "b", "c"].map((key) => keep.get(key)); // ["A", "B", undefined]
 * [keep.bytes, room.bytes, keep.room]; // [8, 2, 0]
 * ```
 */
export function createKeep<V>(most: number): Keep<V> {
  const values = new Map<string, V>();
  let total = 0;
  let reserved = 0;
  return {
    get: (key) => values.get(key),
    reserve(bytes) {
      let left = Math.min(Math.floor(bytes), most - total - reserved);
      reserved += left;
      return {
        get bytes() {
          return left;
        },
        add(key, value, size) {
          if (values.has(key) || size > left) return;
          values.set(key, value);
          total += size;
          reserved -= size;
          left -= size;
        },
        [Symbol.dispose]() {
          reserved -= left;
          left = 0;
        },
      };
    },
    get bytes() {
      return total;
    },
    get room() {
      return most - total - reserved;
    },
  };
}
