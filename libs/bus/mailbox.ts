import { createPulse } from "#libs/concurrency";

/** An async iterable that is fed from outside: a request stream whose messages come up while it runs. */
export type Mailbox<T> = AsyncIterable<T> & {
  put(item: T): void;
  /** Ends the iteration after what is in it; later items are dropped. */
  end(): void;
};

/** Makes an empty mailbox, for one reader. */
export function createMailbox<T>(): Mailbox<T> {
  const items: T[] = [];
  let ended = false;
  const pulse = createPulse();
  return {
    put(item) {
      if (!ended) items.push(item);
      pulse.beat();
    },
    end() {
      ended = true;
      pulse.beat();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const seen = pulse.version;
        while (items.length > 0) yield items.shift()!;
        if (ended) return;
        await pulse.changed(seen);
      }
    },
  };
}
