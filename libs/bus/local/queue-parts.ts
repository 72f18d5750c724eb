import type { LocalStore } from "./store.ts";

/** What a queue works on. */
export type QueueParts = {
  readonly store: LocalStore;
  readonly now: () => number;
  /** Hears of a store that fails, each time. The queue goes on trying, at most 5 s apart. */
  readonly onError: (error: unknown) => void;
};
