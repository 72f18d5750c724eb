import { access, constants, readFile, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { DirectoryLockedError, DirectoryNotUsableError, type Entrance, hasErrorCode, type LockOwner } from "./errors.ts";
import { makeDirectory, replaceFile } from "./files.ts";
import { isAlive } from "./incoming.ts";

/** How long to wait for a holder that is just starting to say who it is, or for one that is just ending. */
const PATIENCE_MS = 1000;

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

// A lock nobody refers to would be collected, and with it its connection: the lock would be free while its holder lives.
const held = new Set<DatabaseSync>();

/**
 * Takes a directory, which is created for this user alone if need be, for this process. The lock is the operating system's: it dies with the process, however that ends.
 * Throws DirectoryLockedError, which names the holder, and DirectoryNotUsableError if the directory is another user's or cannot be written.
 */
export async function lockDirectory(directory: string, info: LockInfo = {}): Promise<DirectoryLock> {
  const path = resolve(directory);
  await checkDirectory(path);
  const connection = await takeLock(path);
  held.add(connection);
  const ownerPath = join(path, "lock.json");
  let known = info;

  async function publish(more: LockInfo): Promise<void> {
    known = { ...known, ...more };
    const owner = { pid: process.pid, ...known, command: known.command ?? programName() };
    await replaceFile(ownerPath, `${JSON.stringify(owner)}\n`);
  }

  async function release(): Promise<void> {
    if (!held.delete(connection)) return;
    await rm(ownerPath, { force: true });
    connection.close();
  }

  try {
    await publish({});
  } catch (error) {
    await release();
    throw error;
  }
  return { publish, [Symbol.asyncDispose]: release };
}

async function checkDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(path, 0o700);
    const { uid } = await stat(path);
    const me = process.getuid?.();
    // Root's directories that this user may write are mounted volumes; those of other users are a mistake, above all when root makes it.
    if (me !== undefined && uid !== me && uid !== 0)
      throw new DirectoryNotUsableError(path, `it belongs to the user ${uid}, this process runs as ${me}`);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (hasErrorCode(error, "EACCES", "EPERM", "EROFS"))
      throw new DirectoryNotUsableError(path, "this user may not write there", { cause: error });
    if (hasErrorCode(error, "EEXIST", "ENOTDIR")) throw new DirectoryNotUsableError(path, "it is not a directory", { cause: error });
    throw error;
  }
}

/** Takes the lock, or throws DirectoryLockedError as soon as it is known who holds it. */
async function takeLock(path: string): Promise<DatabaseSync> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const connection = tryLock(path);
    if (connection) return connection;
    const owner = await readOwner(path);
    if ((owner && isAlive(owner.pid)) || Date.now() > deadline) throw new DirectoryLockedError(path, owner);
    await delay(20);
  }
}

function tryLock(path: string): DatabaseSync | undefined {
  let connection: DatabaseSync;
  try {
    connection = new DatabaseSync(join(path, "lock.sqlite"), { timeout: 0 });
  } catch (error) {
    throw new DirectoryNotUsableError(path, `lock.sqlite cannot be opened (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
  try {
    // Nothing is ever written: the transaction is open as long as the lock is held.
    connection.exec("begin exclusive");
    return connection;
  } catch (error) {
    connection.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
    throw new DirectoryNotUsableError(path, `lock.sqlite cannot be locked (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
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
