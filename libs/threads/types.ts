import type { PlainError } from "./plain-error.ts";

/** What a module that runs in threads exports: `setup(value, context)`, called once in each thread, and again at the next unit where it failed. */
export type ThreadModule<S, U, R> = { readonly setup: (setup: S, context: ThreadContext) => Runner<U, R> | Promise<Runner<U, R>> };

/** One thread's resources. */
export type Runner<U, R> = {
  run(unit: U): R | Promise<R>;
  /** Large buffers of a result that nobody here needs any more: they change hands instead of being copied. */
  transfer?(result: R): ArrayBuffer[];
  close(): void;
};

/** What a unit may ask on its way. */
export type ThreadContext = {
  /** True when nobody waits for results any more: a long unit may end early, by throwing. */
  readonly cancelled: () => boolean;
};

export type ThreadsOptions = {
  /** A module that exports `setup`; see ThreadModule. */
  readonly module: URL;
  /** Plain data for `setup`. */
  readonly setup: unknown;
  /** How many; 0 runs the units on this thread, one at a time, with turns of the event loop between them. */
  readonly threads: number;
  /** Makes the error that callers see of what a thread said. Without it an Error with the same name, message and fields. */
  readonly revive?: (error: PlainError) => Error;
};

/** Threads that run units, each one after another. */
export type Threads<U, R> = AsyncDisposable & {
  /** Units that may be under way at once without one waiting for long: a thread has the next one at hand when it ends one. */
  readonly depth: number;
  /**
   * Runs a unit on the thread that has least to do. Rejects with what it threw. Where its thread dies, all units that this had rejects
   * with an Error; another thread takes its place for the units that come then.
   */
  run(unit: U): Promise<R>;
  /** Asks units under way to end early. No more are started. */
  cancel(): void;
};
