import { constants } from "node:os";

/** The disk, the quota or the file size limit is exhausted. */
export class NoSpaceError extends Error {
  override readonly name = "NoSpaceError";
  readonly path: string;
  constructor(path: string, options?: ErrorOptions) {
    super(`no space left to write ${path}`, options);
    this.path = path;
  }
}

// Some numbers have two names: the first one is the one that errors carry.
const CODES = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, number]) => [number as number, name]),
);

/**
 * The code of an error of the operating system, such as ENOENT; undefined for any other error. Deno has no code for some of them and says
 * the number instead.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * errorCode(await readFile("/no/such/file").catch((error) => error)); // "ENOENT"
 * errorCode(new Error("other")); // undefined
 * ```
 */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  const [, number] = /\(os error (\d+)\)/.exec(error.message) ?? [];
  return number === undefined ? undefined : CODES.get(Number(number));
}

/**
 * Whether an error of the operating system has one of these codes.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * const error = await readFile("/no/such/file").catch((thrown) => thrown);
 * hasErrorCode(error, "ENOENT", "ENOTDIR"); // true
 * ```
 */
export function hasErrorCode(error: unknown, ...codes: string[]): boolean {
  const code = errorCode(error);
  return code !== undefined && codes.includes(code);
}

/** Whether no space is what was missing: of the disk, of the quota, or below the limit on the size of files. */
export function isNoSpace(error: unknown): boolean {
  // SQLite has a code of its own (13, SQLITE_FULL).
  return (
    error instanceof NoSpaceError ||
    hasErrorCode(error, "ENOSPC", "EDQUOT", "EFBIG") ||
    (error instanceof Error && /database or disk is full/.test(error.message))
  );
}

/** The error to throw for a failed write: a NoSpaceError if space is what was missing, else the error itself. */
export function asWriteError(error: unknown, path: string): unknown {
  return isNoSpace(error) && !(error instanceof NoSpaceError) ? new NoSpaceError(path, { cause: error }) : error;
}
