import { createLimit, createPulse, type Limit, type Pulse } from "#libs/concurrency";

/** Something for each key that is there as long as somebody uses it. */
function createKeyed<T>(make: () => T): { use(key: string): { readonly value: T } & Disposable; peek(key: string): T | undefined } {
  const entries = new Map<string, { value: T; users: number }>();
  return {
    use(key) {
      const entry = entries.get(key) ?? { value: make(), users: 0 };
      entries.set(key, entry);
      entry.users += 1;
      return {
        value: entry.value,
        [Symbol.dispose]() {
          entry.users -= 1;
          if (entry.users === 0) entries.delete(key);
        },
      };
    },
    peek: (key) => entries.get(key)?.value,
  };
}

/** Lets one piece of work run at a time for each key, in the order of asking. */
export type Locks = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function createLocks(): Locks {
  const keyed = createKeyed<Limit>(() => createLimit(1));
  return async (key, work) => {
    using entry = keyed.use(key);
    return await entry.value(work);
  };
}

/** A pulse for each key that somebody watches. */
export type KeyedPulses = {
  beat(key: string): void;
  watch(key: string): { readonly value: Pulse } & Disposable;
};

export function createKeyedPulses(): KeyedPulses {
  const keyed = createKeyed<Pulse>(createPulse);
  return { beat: (key) => keyed.peek(key)?.beat(), watch: (key) => keyed.use(key) };
}
