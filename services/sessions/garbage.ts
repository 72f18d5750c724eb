/** Called with the bytes that have arrived, by whoever takes them. */
export type GarbageWatch = (bytes: number) => void;

type BunGlobal = { readonly Bun?: { gc(force: boolean): void } };

const EVERY_BYTES = 32 << 20;

/**
 * Asks Bun to collect garbage after so many bytes: it does not count what hangs on the buffers of HTTP/2 messages, so 64 senders took 730 MB
 * where 320 are enough (Bun 1.4.5). A collection of this small heap takes milliseconds. Node and Deno do this well by themselves.
 */
export function createGarbageWatch(everyBytes = EVERY_BYTES): GarbageWatch {
  const { Bun } = globalThis as BunGlobal;
  if (Bun === undefined) return () => {};
  let bytes = 0;
  return (more) => {
    bytes += more;
    if (bytes < everyBytes) return;
    bytes = 0;
    Bun.gc(true);
  };
}
