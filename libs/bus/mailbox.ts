import { createPulse } from "#libs/concurrency";

/** An async iterable that is fed from outside: a request stream whose messages come up while it runs. */
export type Mailbox<T> = AsyncIterable<T> & {
  put(item: T): void;
  /** Ends the iteration after what is in it, with an error if there is one; later items are dropped. */
  end(error?: Error): void;
};

/** Makes an empty mailbox, for one reader. */
export function createMailbox<T>(): Mailbox<T> {
  const items: T[] = [];
  let ended = false;
  let failure: Error | undefined;
  const pulse = createPulse();
  return {
    put(item) {
      if (!ended) items.push(item);
      pulse.beat();
    },
    end(error) {
      if (!ended) failure = error;
      ended = true;
      pulse.beat();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const seen = pulse.version;
        while (items.length > 0) yield items.shift()!;
        if (failure) throw failure;
        if (ended) return;
        await pulse.changed(seen);
      }
    },
  };
}
