import { createPulse } from "#libs/concurrency";

/**
 * Iterates several sources as one, each in its order; it takes the next of a source when the last one was taken. Sources that wait when it
 * is left are the caller's to end.
 */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const ready: { readonly item: T }[] = [];
  const news = createPulse();
  const taken = createPulse();
  let open = sources.length;
  let failed: { readonly error: unknown } | undefined;
  let left = false;
  const pump = async (source: AsyncIterable<T>) => {
    try {
      for await (const item of source) {
        const entry = { item };
        ready.push(entry);
        news.beat();
        while (!left && ready.includes(entry)) await taken.changed(taken.version);
        if (left) return;
      }
    } catch (error) {
      failed ??= { error };
    } finally {
      open--;
      news.beat();
    }
  };
  for (const source of sources) void pump(source);
  try {
    for (;;) {
      const seen = news.version;
      for (let entry = ready.shift(); entry; entry = ready.shift()) {
        taken.beat();
        yield entry.item;
      }
      if (failed) throw failed.error;
      if (open === 0) return;
      if (news.version === seen) await news.changed(seen);
    }
  } finally {
    left = true;
    taken.beat();
  }
}
