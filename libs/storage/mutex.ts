/** Lets one piece of work run at a time, in the order of asking. */
export type Mutex = {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Waits for the turn; the caller must call the returned function when done. */
  acquire(): Promise<() => void>;
};

export function createMutex(): Mutex {
  let last: Promise<void> = Promise.resolve();

  async function acquire(): Promise<() => void> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    return resolve;
  }

  return {
    acquire,
    async run(work) {
      const release = await acquire();
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
