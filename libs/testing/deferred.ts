/** A promise with its handles outside, for tests that wait for a step instead of sleeping. */
export type Deferred<T> = {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
};

/**
 * Makes a {@link Deferred}. An unhandled rejection of it is reported as usual.
 * @example
 * ```ts
 * const { promise, resolve } = deferred<number>();
 * resolve(3);
 * await promise; // 3
 * ```
 */
export function deferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}
