import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory of its own for one test; removed with all it holds when disposed. */
export type TemporaryDirectory = AsyncDisposable & {
  path: string;
  /** The path of a file in it. */
  join(...parts: string[]): string;
};

/**
 * Makes an empty directory: `await using directory = await temporaryDirectory()`.
 * @example
 * ```ts
 * import { stat, writeFile } from "node:fs/promises";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("file"), "abc");
 * (await stat(directory.join("file"))).size; // 3
 * ```
 */
export async function temporaryDirectory(prefix = "ratatouille-"): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  return {
    path,
    join: (...parts) => join(path, ...parts),
    // A killed process may still write for a moment: retry.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
