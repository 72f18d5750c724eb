/** Values by name, the most recently used ones. */
export type Cache<T> = { get(name: string): T | undefined; set(name: string, value: T, bytes: number): void };

/** A cache whose values together have at most `limit` bytes; what was not used for the longest time goes first. */
export function createCache<T>(limit: number): Cache<T> {
  // A map keeps the order of insertion.
  const entries = new Map<string, { readonly value: T; readonly bytes: number }>();
  let total = 0;
  return {
    get(name) {
      const entry = entries.get(name);
      if (!entry) return undefined;
      entries.delete(name);
      entries.set(name, entry);
      return entry.value;
    },
    set(name, value, bytes) {
      if (entries.has(name) || bytes > limit) return;
      entries.set(name, { value, bytes });
      total += bytes;
      for (const [oldest, { bytes: freed }] of entries) {
        if (total <= limit) break;
        entries.delete(oldest);
        total -= freed;
      }
    },
  };
}
