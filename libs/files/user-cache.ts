import { homedir } from "node:os";
import { join } from "node:path";

/**
 * A folder of ours in the user's cache: below $XDG_CACHE_HOME, or ~/.cache where that is empty or not set (XDG base directory specification).
 * @example
 * ```ts
 * userCache("digests", { XDG_CACHE_HOME: "/cache" }); // "/cache/ratatouille/digests"
 * ```
 */
export function userCache(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "ratatouille", name);
}
