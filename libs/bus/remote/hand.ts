/** Counts what is in hand, and tells when nothing is. */
export type Hand = {
  /** One more; the returned function, which may be called twice, lets go of it. */
  take(): () => void;
  /** Resolves when nothing is in hand. */
  empty(): Promise<void>;
  /** Forgets all. */
  drop(): void;
};

/** Makes an empty hand. */
export function createHand(): Hand {
  const held = new Set<symbol>();
  let free = Promise.withResolvers<void>();
  const check = () => {
    if (held.size === 0) free.resolve();
  };
  return {
    take() {
      if (held.size === 0) free = Promise.withResolvers<void>();
      const one = Symbol();
      held.add(one);
      return () => {
        held.delete(one);
        check();
      };
    },
    empty: async () => (held.size === 0 ? undefined : free.promise),
    drop() {
      held.clear();
      check();
    },
  };
}
