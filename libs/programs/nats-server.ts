import { goProgram, goProgramPlace } from "./go-program.ts";

/** The version of nats-server that everything here is tested with. */
export const NATS_VERSION = "v2.15.2";

const natsServer = {
  name: "nats-server",
  package: "github.com/nats-io/nats-server/v2",
  version: NATS_VERSION,
  variable: "RATATOUILLE_NATS_SERVER",
} as const;

/**
 * The path of nats-server: what RATATOUILLE_NATS_SERVER names, or the pinned version from the user's cache, where it is installed with
 * `go install` the first time, which takes about a minute; `onInstall` hears of it. Throws an Error that says what to do if there is none and no Go.
 * @example
 * ```ts
 * await natsServerProgram({ RATATOUILLE_NATS_SERVER: process.execPath }); // process.execPath
 * ```
 */
export function natsServerProgram(env: NodeJS.ProcessEnv = process.env, onInstall = () => {}): Promise<string> {
  return goProgram(natsServer, env, onInstall);
}

/**
 * Where the pinned version of nats-server is in the user's cache, once it is installed.
 * @example
 * ```ts
 * natsServerPlace({ XDG_CACHE_HOME: "/cache" }).folder.startsWith("/cache/ratatouille/bin/"); // true
 * ```
 */
export function natsServerPlace(env: NodeJS.ProcessEnv = process.env): { readonly folder: string; readonly program: string } {
  return goProgramPlace(natsServer, env);
}
