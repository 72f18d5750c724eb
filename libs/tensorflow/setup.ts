import { mkdir, readdir, rename, rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { asWriteError, filesBelow, lockFile, makeDirectory, NoSpaceError, replaceFile, syncDirectory, syncFile } from "#libs/files";
import { bytes, excerpt } from "#libs/text";
import { compile } from "./compile.ts";
import { type DownloadOptions, download, findPip } from "./download.ts";
import { SetupError } from "./errors.ts";
import { findTensorflow, INSTALLED, type Installed } from "./installed.ts";
import { binding, headers, type Package, type Variant, variants } from "./packages.ts";
import { tensorflowPlace } from "./place.ts";
import { probe } from "./probe.ts";
import { complaint, runProgram } from "./run-program.ts";
import { unzip } from "./unzip.ts";

/** What is being done. `bytes` of `totalBytes` are there, where it is a download. */
export type SetupProgress =
  | { readonly stage: "waiting" | "unpack" | "compile" | "try" }
  | { readonly stage: "download"; readonly file: string; readonly bytes: number; readonly totalBytes: number };

export type SetupOptions = {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: SetupProgress) => void;
};

/** Room for what is not counted: compiled files, names. */
const SLACK_BYTES = 100_000_000;

/**
 * Puts a variant of TensorFlow into the user's cache: its libraries out of Python's package, and the binding of tfjs-node, compiled as it
 * is. Where it is there already and whole, nothing is done. Files that were downloaded stay until all is done, so another call goes on
 * where one was interrupted; the folder gets its name in one step, when TensorFlow has computed something. Several may call it at once.
 * @returns what is installed, and whether it was there before.
 * @throws SetupError, NoSpaceError, NotWritableError, or the signal's reason.
 */
export async function setupTensorflow(variant: Variant, options: SetupOptions = {}): Promise<{ installed: Installed; before: boolean }> {
  const { env = process.env, signal, onProgress = () => {} } = options;
  const found = await findTensorflow(variant, env);
  if (found) return { installed: found, before: true };
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new SetupError(`TensorFlow is set up on Linux with x86-64 processors only, this is ${process.platform} with ${process.arch}`);
  const { root, folder } = tensorflowPlace(variant, env);
  await makeDirectory(root).catch((error) => Promise.reject(asWriteError(error, root)));
  const waits = async () => {
    onProgress({ stage: "waiting" });
    return signal?.aborted ?? false;
  };
  using _lock = await lockFile(join(root, `.${basename(folder)}.lock`), { patienceMs: Number.POSITIVE_INFINITY, giveUp: waits });
  signal?.throwIfAborted();
  const others = await findTensorflow(variant, env);
  if (others) return { installed: others, before: true };
  const downloads = join(root, `${basename(folder)}.downloads`);
  const partial = join(root, `${basename(folder)}.partial`);
  // What a setup that was killed has started may write for a moment yet: try again.
  await rm(partial, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  await requireSpace(variant, root, downloads);
  try {
    await install(variant, partial, { downloads, env, signal, onProgress });
    // What is there under the name is not whole: findTensorflow has looked.
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    await syncDirectory(dirname(folder));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw asWriteError(error, root);
  }
  await rm(downloads, { recursive: true, force: true });
  const installed = await findTensorflow(variant, env);
  if (!installed) throw new SetupError(`${folder} is not there any more: something else has removed it`);
  return { installed, before: false };
}

type InstallOptions = {
  downloads: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal | undefined;
  onProgress: (progress: SetupProgress) => void;
};

async function install(variant: Variant, target: string, { downloads, env, signal, onProgress }: InstallOptions): Promise<void> {
  const { version, wheels } = variants[variant];
  await mkdir(downloads, { recursive: true });
  // What is missing is said before anybody waits for gigabytes: pip is looked for, and the small packages of npm come first.
  await findPip({ env, signal });
  const packages = [binding, headers, ...wheels];
  const totalBytes = packages.reduce((sum, wanted) => sum + wanted.bytes, 0);
  const downloading = (wanted: Package, before: number): DownloadOptions => ({
    folder: downloads,
    env,
    signal,
    onBytes: (count) => onProgress({ stage: "download", file: wanted.file, bytes: before + Math.min(count, wanted.bytes), totalBytes }),
  });
  const paths: string[] = [];
  let before = 0;
  for (const wanted of packages) {
    downloading(wanted, before).onBytes(0);
    paths.push(await download(wanted, downloading(wanted, before)));
    before += wanted.bytes;
  }
  onProgress({ stage: "unpack" });
  const [sources = "", nodeApi = "", ...archives] = paths;
  const build = join(downloads, "build");
  await rm(build, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  await untar(sources, join(build, "binding"), { env, signal });
  await untar(nodeApi, join(build, "headers"), { env, signal });
  for (const archive of archives) {
    await unzip(archive, target, libraryPlace, { signal });
    await unzip(archive, join(build, "include"), headerPlace, { signal });
  }
  onProgress({ stage: "compile" });
  const libraries = join(target, "tensorflow");
  const module = join(libraries, "tfjs_binding.node");
  const places = {
    binding: join(build, "binding", "binding"),
    nodeApi: join(build, "headers", "include"),
    include: join(build, "include"),
  };
  await compile({ ...places, libraries, module }, downloading(binding, totalBytes));
  onProgress({ stage: "try" });
  const tried = await probe(module, { env, signal });
  if ("problem" in tried) throw new SetupError(`TensorFlow ${version} was installed, but does not run here: ${excerpt(tried.problem)}`);
  await listDurably(target, tried.version);
}

/** Writes down what a folder consists of, when the disk has all of it: after a power cut it is whole, or has no list and counts as nothing. */
async function listDurably(folder: string, version: string): Promise<void> {
  const files = (await filesBelow(folder)).map(({ path, bytes }) => ({ path, bytes }));
  for (const { path } of files) await syncFile(join(folder, path));
  for (const directory of new Set(files.map(({ path }) => dirname(join(folder, path))))) await syncDirectory(directory);
  await replaceFile(join(folder, INSTALLED), JSON.stringify({ version, files }));
}

/** Libraries, the tools that they start, and licences. The folders are those of Python's packages: the libraries find each other by them. */
function libraryPlace(name: string): string | undefined {
  if (/^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/.test(name) || name === "tensorflow/THIRD_PARTY_NOTICES.txt") return name;
  if (/^nvidia\/[^/]+\/(lib|bin|nvvm)\//.test(name) && !name.endsWith(".py")) return name;
  return /^[^/]+\.dist-info\/.*LICENSE[^/]*$/i.test(name) ? name : undefined;
}

/** The headers of TensorFlow's C interface, and those that they include. */
function headerPlace(name: string): string | undefined {
  const [, path] = /^tensorflow\/include\/(.*)$/.exec(name) ?? [];
  return path && /^(tensorflow\/(c|core\/platform|compiler\/xla\/c)|(xla\/|tensorflow\/)?tsl\/(c|platform)|xla\/(c|backends))\//.test(path)
    ? path
    : undefined;
}

async function untar(archive: string, target: string, options: { env: NodeJS.ProcessEnv; signal: AbortSignal | undefined }): Promise<void> {
  await mkdir(target, { recursive: true });
  const ended = await runProgram("tar", ["-xzf", archive, "-C", target, "--strip-components=1"], options);
  if (ended.code === undefined) throw new SetupError("There is no tar here to unpack packages; install it");
  if (/no space left/i.test(ended.errors)) throw new NoSpaceError(target);
  if (ended.code !== 0) throw new SetupError(`tar could not unpack ${archive}: ${excerpt(complaint(ended))}`);
}

/** @throws SetupError if the disk has no room for what is still to come. */
async function requireSpace(variant: Variant, root: string, downloads: string): Promise<void> {
  const { wheels, installedBytes } = variants[variant];
  const there = await readdir(downloads).catch((): string[] => []);
  const missing = wheels.filter(({ file }) => !there.includes(file)).reduce((sum, wheel) => sum + wheel.bytes, 0);
  const needed = missing + installedBytes + SLACK_BYTES;
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize >= needed) return;
  throw new SetupError(
    `${root} has ${bytes(bavail * bsize)} free, and ${variant} needs ${bytes(needed)} there: free some, or name another place with XDG_CACHE_HOME`,
  );
}
