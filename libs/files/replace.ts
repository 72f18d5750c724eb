import { open } from "node:fs/promises";
import { asWriteError } from "./errors.ts";
import { writeTo } from "./positions.ts";
import type { PublishOptions } from "./publish.ts";
import { type TemporaryOptions, temporaryFor } from "./temporary.ts";

/**
 * Writes a file whole, in one step: readers see the old content or the new. Nothing is left of what fails.
 * @param content text, bytes, or pieces as they come
 * @throws NoSpaceError, what the operating system says, and what the content throws
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await replaceFile(directory.join("card.md"), "# Old");
 * await replaceFile(directory.join("card.md"), "# New");
 * await readFile(directory.join("card.md"), "utf8"); // "# New"
 * ```
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  { fsync, ...options }: PublishOptions & TemporaryOptions = {},
): Promise<void> {
  await using temporary = await temporaryFor(path, options);
  {
    await using file = await open(temporary.path, "r+");
    const pieces = typeof content === "string" ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
    for await (const piece of pieces) {
      await writeTo(file, piece).catch((error: unknown) => Promise.reject(asWriteError(error, path)));
    }
  }
  await temporary.publish({ fsync });
}
