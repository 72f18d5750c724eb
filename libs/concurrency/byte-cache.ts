/** Values by key, the least recently used ones dropped when all together are larger than allowed. */
export type ByteCache<V> = {
  get(key: string): V | undefined;
  /** Keeps a value of that many bytes. One that is larger than the whole cache is not kept. */
  set(key: string, value: V, bytes: number): void;
  /** Bytes of all values. */
  readonly bytes: number;
};

/**
 * An empty cache.
 * @param maxBytes the most that all values together may have.
 * @example
 * ```ts
 * const cache = createByteCache(10);
 * for (const key of ["a", "b", "c"]) cache.set(key, key.toUpperCase(), 4);
 * ["a", "b", "c"].map((key) => cache.get(key)); // [undefined, "B", "C"]
 * cache.bytes; // 8
 * ```
 */
export function createByteCache<V>(maxBytes: number): ByteCache<V> {
  // A Map iterates in the order of insertion, so the first entry is the least recently used one.
  const entries = new Map<string, { value: V; bytes: number }>();
  let total = 0;

  function remove(key: string): void {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  return {
    get bytes() {
      return total;
    },
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      if (bytes > maxBytes) return;
      entries.set(key, { value, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes) break;
        remove(oldest);
      }
    },
  };
}
