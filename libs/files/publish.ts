import { rename } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory, syncFile } from "./durable.ts";
import { asWriteError } from "./errors.ts";

export type PublishOptions = {
  /** Whether bytes and names are safe from a power cut when this resolves. True by default. */
  readonly fsync?: boolean | undefined;
};

/** How files get their names. */
type Naming = PublishOptions & {
  /** Runs the step in which they get them, where that takes a lock. The disk is waited for outside of it. */
  readonly within?: (name: () => Promise<void>) => Promise<void>;
};

/**
 * Gives files that are whole their names, each in one step, in this order: readers see what was there before, or all of the new one. Both
 * names of a file have to be on one file system.
 * @throws NoSpaceError, or what the operating system says. Files before the one that failed have their names then.
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const names = ["model.safetensors", "config.json"];
 * for (const name of names) await writeFile(directory.join(`.${name}.partial`), name);
 * await publishFiles(names.map((name) => ({ from: directory.join(`.${name}.partial`), to: directory.join(name) })));
 * await readFile(directory.join("config.json"), "utf8"); // "config.json"
 * ```
 */
export async function publishFiles(
  files: readonly { readonly from: string; readonly to: string }[],
  { fsync = true, within = (name) => name() }: Naming = {},
): Promise<void> {
  const naming = <T>(path: string, doing: Promise<T>) => doing.catch((error: unknown) => Promise.reject(asWriteError(error, path)));
  // All of the bytes before the first name.
  if (fsync) for (const { from } of files) await naming(from, syncFile(from));
  await within(async () => {
    for (const { from, to } of files) await naming(to, rename(from, to));
  });
  if (fsync) for (const directory of new Set(files.map(({ to }) => dirname(to)))) await naming(directory, syncDirectory(directory));
}

/**
 * Gives a file that is safe, or a whole directory, another name on the same file system, in one step and durably.
 * @throws what the operating system says
 * @example
 * ```ts
 * import { readdir, writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("a"), "");
 * await moveDurably(directory.join("a"), directory.join("b"));
 * await readdir(directory.path); // ["b"]
 * ```
 */
export async function moveDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  // The new name first: a power cut in between leaves both, and not neither.
  for (const directory of new Set([dirname(to), dirname(from)])) await syncDirectory(directory);
}
