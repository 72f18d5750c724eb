import { execFile } from "node:child_process";
import { access, constants, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { userCache } from "#libs/files";

/** A program that is built with Go, pinned. */
export type GoProgram = {
  /** What people call it, and the file of the program. */
  readonly name: string;
  /** What `go install` takes, without the version. */
  readonly package: string;
  readonly version: string;
  /** A variable that names another program in its place. */
  readonly variable: string;
};

/** Where a program is in the user's cache, once it is installed. */
export function goProgramPlace(
  { name, version, ...go }: GoProgram,
  env: NodeJS.ProcessEnv,
): { readonly folder: string; readonly program: string } {
  const folder = join(userCache("bin", env), `${name}-${version}`);
  // Go calls a program as the last part of its package that is no version.
  const file = basename(go.package.replace(/\/v\d+$/, ""));
  return { folder, program: join(folder, file) };
}

/**
 * The path of a program: what its variable names, or the pinned version from the user's cache, where it is installed with `go install` the
 * first time; `onInstall` hears of it. Throws an Error that says what to do if there is none and no Go.
 */
export async function goProgram(which: GoProgram, env: NodeJS.ProcessEnv, onInstall = () => {}): Promise<string> {
  const { name, version, variable } = which;
  const named = env[variable];
  if (named) {
    if (await isProgram(named)) return named;
    throw new Error(`${variable} is ${named}, which is no program that this user may run`);
  }
  const { folder: bin, program } = goProgramPlace(which, env);
  if (await isProgram(program)) return program;
  await mkdir(bin, { recursive: true });
  onInstall();
  try {
    // It writes to a temporary file and renames it, so several may install at once.
    await promisify(execFile)("go", ["install", `${which.package}@${version}`], { env: { ...env, GOBIN: bin } });
  } catch (cause) {
    const advice = `install Go, or ${name} ${version}, and name it in ${variable}`;
    throw new Error(`${name} could not be installed: ${(cause as Error).message.trim()}; ${advice}`, { cause });
  }
  return program;
}

function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
