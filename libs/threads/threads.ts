import { openInline } from "./inline.ts";
import type { Threads, ThreadsOptions } from "./types.ts";
import { openWorkers } from "./workers.ts";

/**
 * Starts threads. They end when this is disposed, which waits for the units under way.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { pathToFileURL } from "node:url";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const module = pathToFileURL(directory.join("power.mjs"));
 * await writeFile(module, "export const setup = (exponent) => ({ run: (x) => x ** exponent, close() {} });");
 * await using threads = openThreads({ module, setup: 2, threads: 1 });
 * await Promise.all([3, 4].map((x) => threads.run(x))); // [9, 16]
 * ```
 */
export function openThreads<U, R>(options: ThreadsOptions): Threads<U, R> {
  return options.threads > 0 ? openWorkers(options) : openInline(options);
}
