import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errorCode, hasErrorCode, isNoSpace } from "./errors.ts";

/** A place where nothing can be written, and why. */
export class NotWritableError extends Error {
  override readonly name = "NotWritableError";
  readonly path: string;
  /** Half a sentence, without the path. */
  readonly why: string;
  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`cannot write to ${path}: ${why}`, options);
    this.path = path;
    this.why = why;
  }
}

/**
 * Looks, without making anything, whether a file, or files in a directory, can be written: for an output to be refused before the work for
 * it starts. What is not there yet is made in the nearest directory above that is.
 * @param as what the path is to be
 * @param own whether the directory is to be this user's alone, to write and to read. Those of root that may be written are mounted volumes
 * @throws NotWritableError
 * @example
 * ```ts
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await requireWritable(directory.join("new", "model.safetensors"), "file");
 * const error = await requireWritable(directory.path, "file").catch((thrown) => thrown);
 * error.why; // "it is a directory"
 * ```
 */
export async function requireWritable(path: string, as: "file" | "directory", { own = false } = {}): Promise<void> {
  const found = await look(path, path);
  if (as === "file") {
    if (found?.isDirectory()) throw new NotWritableError(path, "it is a directory");
    if (found) await requireAccess(path, path, constants.W_OK);
    await requireDirectory(dirname(resolve(path)), path, own);
  } else await requireDirectory(resolve(path), path, own);
}

async function requireDirectory(directory: string, path: string, own: boolean): Promise<void> {
  const found = await look(directory, path);
  const subject = directory === resolve(path) ? "it" : directory;
  if (found === undefined) return requireDirectory(dirname(directory), path, own);
  if (!found.isDirectory())
    throw new NotWritableError(path, subject === "it" ? "it is not a directory" : "what should be its folder is a file");
  const me = process.getuid?.();
  if (own && me !== undefined && found.uid !== me && found.uid !== 0 && subject === "it")
    throw new NotWritableError(path, `it belongs to the user ${found.uid}, this process runs as ${me}`);
  await requireAccess(directory, path, constants.W_OK | constants.X_OK | (own ? constants.R_OK : 0));
}

async function look(path: string, wanted: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    // A part of the path is a file; it is found higher up.
    if (hasErrorCode(error, "ENOTDIR")) return undefined;
    throw new NotWritableError(wanted, whyNotWritten(error), { cause: error });
  }
}

async function requireAccess(path: string, wanted: string, mode: number): Promise<void> {
  try {
    await access(path, mode);
  } catch (error) {
    const where = resolve(path) === resolve(wanted) ? "there" : `in ${path}`;
    const why = hasErrorCode(error, "EACCES", "EPERM") ? `this user may not write ${where}` : whyNotWritten(error);
    throw new NotWritableError(wanted, why, { cause: error });
  }
}

const REASONS: { readonly [code: string]: string } = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is read-only",
  ENOTDIR: "what should be its folder is a file",
  EEXIST: "what should be its folder is a file",
  ENOENT: "its folder cannot be made",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its links go round in circles",
};

/**
 * Why a file or a folder could not be made or written, as half a sentence without its path.
 * @example
 * ```ts
 * whyNotWritten(Object.assign(new Error("write"), { code: "ENOSPC" })); // "no space is left"
 * ```
 */
export function whyNotWritten(error: unknown): string {
  if (error instanceof NotWritableError) return error.why;
  if (isNoSpace(error)) return "no space is left";
  return REASONS[errorCode(error) ?? ""] ?? (error instanceof Error ? error.message : String(error));
}

/** Makes a folder for an output, with those above it. @throws NotWritableError */
export async function makeFolder(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    throw new NotWritableError(out, whyNotWritten(cause), { cause });
  }
}
