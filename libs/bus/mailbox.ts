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
  let wake = Promise.withResolvers<void>();
  return {
    put(item) {
      if (!ended) items.push(item);
      wake.resolve();
    },
    end() {
      ended = true;
      wake.resolve();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (items.length > 0) yield items.shift()!;
        if (ended) return;
        wake = Promise.withResolvers<void>();
        await wake.promise;
      }
    },
  };
}
