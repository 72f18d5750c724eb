import { readFile, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import {
  type FileLock,
  hasErrorCode,
  isAlive,
  LockedError,
  lockFile,
  makeDirectory,
  NotWritableError,
  replaceFile,
  requireWritable,
} from "#libs/files";
import { DirectoryLockedError, DirectoryNotUsableError, type Entrance, type LockOwner } from "./errors.ts";

/** What others get to know of the holder. It stands in a file that only this user can read. */
export type LockInfo = {
  /** What the holder does, for people. By default its script. Without secrets, which arguments may be. */
  readonly command?: string | undefined;
  /** Where it listens. */
  readonly address?: string | undefined;
  readonly version?: string | undefined;
  /** How it lets others in. */
  readonly entrance?: Entrance | undefined;
};

/** A directory that this process has for itself until it lets go or dies. */
export type DirectoryLock = {
  /** Tells others more about the holder, for example where it listens by now. */
  publish(info: LockInfo): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Takes a directory, which is created for this user alone if need be, for this process. The lock is the operating system's: it dies with the process, however that ends.
 * Throws DirectoryLockedError, which names the holder, and DirectoryNotUsableError if the directory is another user's or cannot be written.
 * @example
 * ```ts
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await using lock = await lockDirectory(directory.path, { command: "catalog" });
 * const error = await lockDirectory(directory.path).catch((thrown) => thrown);
 * error instanceof DirectoryLockedError && error.command; // "catalog"
 * ```
 */
export async function lockDirectory(directory: string, info: LockInfo = {}): Promise<DirectoryLock> {
  const path = resolve(directory);
  const lock = await usable(path, async () => {
    await requireWritable(path, "directory", { own: true });
    await makeDirectory(path, 0o700);
    return takeLock(path);
  });
  const ownerPath = join(path, "lock.json");
  let known = info;
  let released = false;

  async function publish(more: LockInfo): Promise<void> {
    known = { ...known, ...more };
    const owner = { pid: process.pid, ...known, command: known.command ?? programName() };
    await replaceFile(ownerPath, `${JSON.stringify(owner)}\n`, { alone: true, mode: 0o600 });
  }

  async function release(): Promise<void> {
    if (released) return;
    released = true;
    await rm(ownerPath, { force: true });
    lock[Symbol.dispose]();
  }

  try {
    await publish({});
  } catch (error) {
    await release();
    throw error;
  }
  return { publish, [Symbol.asyncDispose]: release };
}

async function usable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotWritableError) throw new DirectoryNotUsableError(path, error.why, { cause: error });
    throw error;
  }
}

/** Takes the lock, or throws DirectoryLockedError as soon as it is known who holds it: a holder that is just starting says so soon. */
async function takeLock(path: string): Promise<FileLock> {
  let owner: LockOwner | undefined;
  const giveUp = async () => {
    owner = await readOwner(path);
    return owner !== undefined && isAlive(owner.pid);
  };
  try {
    return await lockFile(join(path, "lock.sqlite"), { keep: true, giveUp });
  } catch (error) {
    throw error instanceof LockedError ? new DirectoryLockedError(path, owner) : error;
  }
}

/** Who holds a directory according to itself; undefined if nobody says so. Says nothing about whether the holder still lives. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(join(path, "lock.json"), "utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isOwner(value: unknown): value is LockOwner {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "command" in value &&
    typeof value.command === "string" &&
    (!("entrance" in value) || isEntrance(value.entrance))
  );
}

function isEntrance(value: unknown): value is Entrance {
  return (
    typeof value === "object" &&
    value !== null &&
    "address" in value &&
    typeof value.address === "string" &&
    "token" in value &&
    typeof value.token === "string"
  );
}

function programName(): string {
  return basename(process.argv[1] ?? process.title);
}
