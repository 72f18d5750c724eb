import { execFile } from "node:child_process";
import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { userCache } from "#libs/files";

/** The version of nats-server that everything here is tested with. */
export const NATS_VERSION = "v2.15.2";

/**
 * The path of nats-server: what RATATOUILLE_NATS_SERVER names, or the pinned version from the user's cache, where it is installed with
 * `go install` the first time, which takes about a minute; `onInstall` hears of it. Throws an Error that says what to do if there is none and no Go.
 * @example
 * ```ts
 * await natsServerProgram({ RATATOUILLE_NATS_SERVER: process.execPath }); // process.execPath
 * ```
 */
export async function natsServerProgram(env: NodeJS.ProcessEnv = process.env, onInstall = () => {}): Promise<string> {
  const named = env["RATATOUILLE_NATS_SERVER"];
  if (named) {
    if (await isProgram(named)) return named;
    throw new Error(`RATATOUILLE_NATS_SERVER is ${named}, which is no program that this user may run`);
  }
  const { folder: bin, program } = natsServerPlace(env);
  if (await isProgram(program)) return program;
  await mkdir(bin, { recursive: true });
  onInstall();
  try {
    // It writes to a temporary file and renames it, so several may install at once.
    await promisify(execFile)("go", ["install", `github.com/nats-io/nats-server/v2@${NATS_VERSION}`], { env: { ...env, GOBIN: bin } });
  } catch (cause) {
    const advice = `install Go, or nats-server ${NATS_VERSION}, and name it in RATATOUILLE_NATS_SERVER`;
    throw new Error(`nats-server could not be installed: ${(cause as Error).message.trim()}; ${advice}`, { cause });
  }
  return program;
}

/**
 * Where the pinned version of nats-server is in the user's cache, once it is installed.
 * @example
 * ```ts
 * natsServerPlace({ XDG_CACHE_HOME: "/cache" }).folder.startsWith("/cache/ratatouille/bin/"); // true
 * ```
 */
export function natsServerPlace(env: NodeJS.ProcessEnv = process.env): { readonly folder: string; readonly program: string } {
  const folder = join(userCache("bin", env), `nats-server-${NATS_VERSION}`);
  return { folder, program: join(folder, "nats-server") };
}

function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
