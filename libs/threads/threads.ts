import { openInline } from "./inline.ts";
import type { Threads, ThreadsOptions } from "./types.ts";
import { openWorkers } from "./workers.ts";

/**
 * Starts threads. They end when this is disposed, which waits for the units under way.
 * @example
 * await using threads = openThreads<number, number>({ module: new URL("square.ts", import.meta.url), setup: {}, threads: 2 });
 * await threads.run(3); // what the module's runner makes of 3
 */
export function openThreads<U, R>(options: ThreadsOptions): Threads<U, R> {
  return options.threads > 0 ? openWorkers(options) : openInline(options);
}
