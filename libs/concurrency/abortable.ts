/**
 * What a promise gives, or the reason of the signal if it aborts first. For waiting many times under one signal: a `Promise.race`
 * with a promise that lives as long as the signal would keep every result until that ends (V8 and JavaScriptCore alike).
 * @example
 * ```ts
 * const stop = new AbortController();
 * const waiting = abortable(new Promise(() => {}), stop.signal);
 * stop.abort("enough");
 * await waiting.catch((reason) => reason); // "enough"
 * ```
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const settle =
      <V>(settled: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener("abort", onAbort);
        settled(value);
      };
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    work.then(settle(resolve), settle(reject));
  });
}
