import { readdirSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { NotWritableError } from "./writable.ts";

/** A lock that this process holds. It is free again when it is disposed, or when the process has ended, however that was. */
export type FileLock = Disposable & { readonly path: string };

/** Another process, or another part of this one, holds a lock. */
export class LockedError extends Error {
  override readonly name = "LockedError";
  readonly path: string;
  constructor(path: string) {
    super(`another process holds ${path}`);
    this.path = path;
  }
}

export type LockOptions = {
  /** How long to wait for a holder that is just ending: gigabytes of memory are given back within the second by default. 0 asks once. */
  readonly patienceMs?: number | undefined;
  /** Leave the file there when the lock is let go. By default it is removed. */
  readonly keep?: boolean | undefined;
  /** Asked while the lock is another's: true ends the waiting. */
  readonly giveUp?: (() => Promise<boolean>) | undefined;
};

const PATIENCE_MS = 1000;
const LOOK_MS = 20;
const OPEN_FILES = "/proc/self/fd";

// A lock nobody refers to would be collected, and with it its connection: the lock would be free while its holder lives.
const held = new Set<DatabaseSync>();

/**
 * Takes a lock, which is a file of its own that nothing else may open: closing it anywhere in the process would let go of the lock. It is
 * the operating system's, and holds between processes of different containers, too, as far as they share the file system.
 * @throws LockedError; NotWritableError where the file cannot be made or locked
 * @example
 * ```ts
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const path = directory.join(".model.safetensors.lock");
 * using lock = await lockFile(path);
 * (await lockFile(path, { patienceMs: 0 }).catch((error) => error)) instanceof LockedError; // true
 * ```
 */
export async function lockFile(path: string, { patienceMs = PATIENCE_MS, keep = false, giveUp }: LockOptions = {}): Promise<FileLock> {
  for (const deadline = performance.now() + patienceMs; ; ) {
    const connection = tryLock(path);
    if (connection) return holdLock(path, connection, keep);
    if (performance.now() >= deadline || (await giveUp?.())) throw new LockedError(path);
    await delay(LOOK_MS);
  }
}

function holdLock(path: string, connection: DatabaseSync, keep: boolean): FileLock {
  held.add(connection);
  return {
    path,
    [Symbol.dispose]() {
      if (!held.delete(connection)) return;
      // While the lock is still held: who has opened the file by then sees that it is not there any more.
      if (!keep) rmSync(path, { force: true });
      connection.close();
    },
  };
}

/** The connection that holds the lock; undefined if another one does. */
function tryLock(path: string): DatabaseSync | undefined {
  while (true) {
    const before = identityOf(path);
    const connection = open(path);
    try {
      // Nothing is ever written, and no journal beside it: the transaction is open as long as the lock is held.
      connection.exec("pragma journal_mode = memory; begin exclusive");
    } catch (error) {
      connection.close();
      if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
      throw notLockable(path, error);
    }
    // A holder removes the file: the one that was opened may be gone, and another one there by now.
    if (before !== undefined && before === identityOf(path) && hasOpen(path)) return connection;
    connection.close();
  }
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw notLockable(path, error);
  }
}

function notLockable(path: string, error: unknown): NotWritableError {
  return new NotWritableError(path, `it cannot be locked (${error instanceof Error ? error.message : String(error)})`, { cause: error });
}

/**
 * Tells a file from others that had or get its name, as far as it can: numbers of files are used again, and within a tick of the clock
 * (on Deno a second, in kernels up to ten milliseconds) two files may have both number and time in common.
 */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino} ${found.ctimeNs}`;
}

/** Whether this process has the file open that has this name now: one that was removed is called so by Linux. True where nobody tells. */
function hasOpen(path: string): boolean {
  let descriptors: string[];
  try {
    descriptors = readdirSync(OPEN_FILES);
  } catch {
    return true;
  }
  const real = join(realpathSync(dirname(path)), basename(path));
  return descriptors.some((descriptor) => openedAs(descriptor) === real);
}

function openedAs(descriptor: string): string | undefined {
  try {
    return readlinkSync(join(OPEN_FILES, descriptor));
  } catch {
    // Closed since it was listed, as that of the list is.
    return undefined;
  }
}
