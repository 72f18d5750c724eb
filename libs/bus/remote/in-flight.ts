/** The deliveries that are not settled yet, and when there are none. */
export type InFlight = {
  /** One more; the returned function, which may be called twice, takes it off again. */
  add(): () => void;
  /** Resolves when nothing is in flight. */
  empty(): Promise<void>;
  /** Forgets all. */
  clear(): void;
};

export function createInFlight(): InFlight {
  const held = new Set<symbol>();
  let free = Promise.withResolvers<void>();
  const check = () => {
    if (held.size === 0) free.resolve();
  };
  return {
    add() {
      if (held.size === 0) free = Promise.withResolvers<void>();
      const one = Symbol();
      held.add(one);
      return () => {
        held.delete(one);
        check();
      };
    },
    empty: async () => (held.size === 0 ? undefined : free.promise),
    clear() {
      held.clear();
      check();
    },
  };
}
