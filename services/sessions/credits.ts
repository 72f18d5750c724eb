import type { SessionLimits } from "./limits.ts";

/** What one sender may have on its way. Disposing of it gives it back. */
export type Credit = Disposable & {
  /** Bytes that the sender may still send. */
  readonly outstanding: number;
  /** Gives the sender more, where the pool has it. */
  take(bytes: number): boolean;
  /** Gives the sender more, in its turn. @throws the reason of the signal */
  wait(bytes: number, signal: AbortSignal): Promise<void>;
  /** Bytes that have arrived and are done with. */
  spend(bytes: number): void;
};

/**
 * A pool of bytes that senders may have on their way, all together: so much memory can be asked of this process, however many they are.
 * Who is promised bytes and sends none for a while does not hold up the others: its share is lent to them until it moves.
 */
export type Credits = {
  open(): Credit;
  /** What one sender should have to be fast. */
  window(): number;
  readonly senders: number;
};

type Sender = { outstanding: number; moved: number; silent: boolean };
type Waiter = { readonly sender: Sender; readonly bytes: number; readonly grant: () => void };

const LARGEST_WINDOW = 8 << 20;
const SILENT_MS = 500;

/** A pool for all senders of a service. */
export function createCredits({ windowBytes, chunkBytes }: Pick<SessionLimits, "windowBytes" | "chunkBytes">): Credits {
  const pool = Math.max(windowBytes, chunkBytes.max);
  const senders = new Set<Sender>();
  const queue: Waiter[] = [];
  let used = 0;
  let timer: NodeJS.Timeout | undefined;

  function give(sender: Sender, bytes: number): void {
    // Silence counts from the moment in which there is something to send.
    if (sender.outstanding === 0) sender.moved = performance.now();
    sender.outstanding += bytes;
    if (!sender.silent) used += bytes;
  }

  function serve(): void {
    while (queue[0] && used + queue[0].bytes <= pool) {
      const { sender, bytes, grant } = queue.shift()!;
      give(sender, bytes);
      grant();
    }
    if (queue.length > 0) timer ??= setInterval(lend, SILENT_MS / 2);
    else {
      clearInterval(timer);
      timer = undefined;
    }
  }

  function lend(): void {
    const since = performance.now() - SILENT_MS;
    for (const sender of senders) {
      if (sender.silent || sender.outstanding === 0 || sender.moved > since) continue;
      sender.silent = true;
      used -= sender.outstanding;
    }
    serve();
  }

  function leave(sender: Sender): void {
    senders.delete(sender);
    if (!sender.silent) used -= sender.outstanding;
    serve();
  }

  return {
    open() {
      const sender: Sender = { outstanding: 0, moved: 0, silent: false };
      senders.add(sender);
      return {
        get outstanding() {
          return sender.outstanding;
        },
        take(bytes) {
          if (queue.length > 0 || used + bytes > pool) return false;
          give(sender, bytes);
          return true;
        },
        async wait(bytes, signal) {
          signal.throwIfAborted();
          const { promise, resolve } = Promise.withResolvers<void>();
          const waiter = { sender, bytes, grant: resolve };
          queue.push(waiter);
          signal.addEventListener("abort", resolve as () => void);
          serve();
          await promise;
          signal.removeEventListener("abort", resolve as () => void);
          const place = queue.indexOf(waiter);
          if (place >= 0) queue.splice(place, 1);
          signal.throwIfAborted();
        },
        spend(bytes) {
          if (!sender.silent) used -= bytes;
          else used += sender.outstanding - bytes;
          sender.silent = false;
          sender.outstanding -= bytes;
          sender.moved = performance.now();
          serve();
        },
        [Symbol.dispose]: () => leave(sender),
      };
    },
    window: () => Math.max(chunkBytes.max, Math.min(LARGEST_WINDOW, Math.floor(pool / Math.max(1, senders.size)))),
    get senders() {
      return senders.size;
    },
  };
}
