import { randomBytes } from "node:crypto";
import { open, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { asWriteError } from "./errors.ts";
import { type PublishOptions, publishFiles } from "./publish.ts";

/** A file beside a target that becomes it. */
export type TemporaryFile = AsyncDisposable & {
  readonly path: string;
  /** Gives the file the name of its target: see publishFiles. */
  publish(options?: PublishOptions): Promise<void>;
};

export type TemporaryOptions = {
  /** Whether the caller has the target for itself, by a lock: then what others have left of it is removed at once, and not after a day. */
  readonly alone?: boolean | undefined;
  /** By default 0o666, less what the process masks. */
  readonly mode?: number | undefined;
};

const DAY_MS = 86_400_000;

/**
 * An empty file beside `target`, with a name that nobody else uses: process ids are not used for it, as in containers every process has the
 * same. It is removed when it is disposed without having been published.
 * @throws NoSpaceError, or what the operating system says
 * @example
 * ```ts
 * import { readdir, writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await using temporary = await temporaryFor(directory.join("model.safetensors"));
 * await writeFile(temporary.path, "weights");
 * await temporary.publish();
 * await readdir(directory.path); // ["model.safetensors"]
 * ```
 */
export async function temporaryFor(target: string, { alone = false, mode = 0o666 }: TemporaryOptions = {}): Promise<TemporaryFile> {
  const [directory, name] = [dirname(target), basename(target)];
  await removeLeftovers(directory, name, alone);
  const path = join(directory, `.${name}.${randomBytes(8).toString("hex")}.partial`);
  try {
    await (await open(path, "wx", mode)).close();
  } catch (error) {
    throw asWriteError(error, target);
  }
  return {
    path,
    publish: (options) => publishFiles([{ from: path, to: target }], options),
    [Symbol.asyncDispose]: () => rm(path, { force: true }),
  };
}

/** Whoever wrote them was killed. Nobody says so of a process of another container, but none leaves a file alone for a day. */
async function removeLeftovers(directory: string, name: string, alone: boolean): Promise<void> {
  // What may be written may not be read, in some folders.
  for (const entry of await readdir(directory).catch((): string[] => [])) {
    // Earlier versions wrote the process id and a number.
    if (!entry.startsWith(`.${name}.`) || !/^(?:[0-9a-f]{16}|\d+-\d+)\.partial$/.test(entry.slice(name.length + 2))) continue;
    const path = join(directory, entry);
    const found = alone ? undefined : await stat(path).catch(() => undefined);
    if (alone || (found && Date.now() - found.mtimeMs > DAY_MS)) await rm(path, { force: true });
  }
}
