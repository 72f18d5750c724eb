/** Chunks that one gives and another takes, one at a time. */
export type Pipe = {
  /** Resolves when the chunk is taken and the taker comes for the next. */
  write(chunk: Uint8Array): Promise<void>;
  end(): void;
  read(): AsyncGenerator<Uint8Array, void, undefined>;
};

/** A pipe without room: who writes waits for who reads. */
export function createPipe(): Pipe {
  let waiting: { readonly chunk: Uint8Array; taken(): void } | undefined;
  let ended = false;
  let wake = () => {};
  return {
    write: (chunk) =>
      new Promise((taken) => {
        waiting = { chunk, taken };
        wake();
      }),
    end() {
      ended = true;
      wake();
    },
    async *read() {
      for (;;) {
        if (waiting) {
          const { chunk, taken } = waiting;
          waiting = undefined;
          yield chunk;
          taken();
        } else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
