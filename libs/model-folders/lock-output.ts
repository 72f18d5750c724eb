import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { LockedError, lockFile, NotWritableError, requireWritable, whyNotWritten } from "#libs/files";
import type { Output } from "./output.ts";

/** Refuses an output that nobody could write, before the work for it begins. @throws NotWritableError */
export async function requireWritableOutput({ kind, path }: Output): Promise<void> {
  await requireWritable(path, kind === "file" ? "file" : "directory");
}

/**
 * Takes an output for this caller, so that weights and what describes them are of one making, and makes its folder. When it is disposed, a
 * folder that was made for it goes if nothing came into it.
 * @throws NotWritableError; Error where another process, or another part of this one, is writing there
 * @example
 * ```ts
 * import { readdir } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const lock = await lockOutput(await outputOf(directory.join("out")));
 * await readdir(directory.join("out")); // [".ratatouille.lock"]
 * await lock[Symbol.asyncDispose]();
 * await readdir(directory.path); // []
 * ```
 */
export async function lockOutput({ path, directory, single }: Output): Promise<AsyncDisposable> {
  let made: string | undefined;
  try {
    made = await mkdir(directory, { recursive: true });
  } catch (cause) {
    throw new NotWritableError(path, whyNotWritten(cause), { cause });
  }
  const leave = () => (made === undefined ? undefined : rmdir(directory).catch(() => undefined));
  try {
    const lock = await lockFile(join(directory, single === undefined ? ".ratatouille.lock" : `.${single}.lock`));
    return {
      async [Symbol.asyncDispose]() {
        lock[Symbol.dispose]();
        await leave();
      },
    };
  } catch (error) {
    await leave();
    if (error instanceof LockedError)
      throw new Error(`another process is writing ${path}: run this again when it has ended`, { cause: error });
    throw error;
  }
}
