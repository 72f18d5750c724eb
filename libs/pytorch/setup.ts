import { access, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { asWriteError, lockFile, makeDirectory, NoSpaceError, replaceFile } from "#libs/files";
import { complaint, runProgram, SetupError } from "#libs/tensorflow";
import { bytes, excerpt } from "#libs/text";
import { clientDigest, findTorch, type Installed } from "./installed.ts";
import { type Build, CLIENT, CPU_INDEX, PACKAGES, SIZES, torchPlace } from "./place.ts";

/** What is being done. */
export type SetupStage = "waiting" | "environment" | "packages" | "trainer" | "try";

export type SetupOptions = {
  readonly build: Build;
  /** An environment of the user's own that has torch, torchvision and timm: its Python. Nothing but the trainer is put into it. */
  readonly python?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (stage: SetupStage) => void;
};

/** Asks a Python what it is; it does not import what it looks for. */
const FACTS =
  "import importlib.util as i, json, sys; print(json.dumps({'version': list(sys.version_info[:2]), 'venv': bool(i.find_spec('venv') and i.find_spec('ensurepip')), 'lacks': [n for n in ('torch', 'torchvision', 'timm') if i.find_spec(n) is None]}))";
const facts = v.object({ version: v.tuple([v.number(), v.number()]), venv: v.boolean(), lacks: v.array(v.string()) });

/** Imports everything, as the trainer does. */
const TRY = `import json, torch, torchvision, timm
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
print(json.dumps({'torch': torch.__version__, 'torchvision': torchvision.__version__, 'timm': timm.__version__, 'gpus': gpus}))`;
const tried = v.object({ torch: v.string(), torchvision: v.string(), timm: v.string(), gpus: v.array(v.string()) });

type Run = { readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal | undefined };

/**
 * Puts PyTorch and the trainer in Python into an environment in the user's cache, or the trainer alone into one of the user's own. What is
 * there already is not installed again, but for the trainer, where this is another version. An environment that was interrupted goes on with
 * what pip has in its cache. Several may call it at once.
 * @returns what is installed, and whether it was there before.
 * @throws SetupError, NoSpaceError, NotWritableError, or the signal's reason
 */
export async function setupTorch(options: SetupOptions): Promise<{ installed: Installed; before: boolean }> {
  const { build, python, env = process.env, signal, onProgress = () => {} } = options;
  const { root, environments, list } = torchPlace(env);
  const run = { env, signal };
  const client = await clientDigest();
  const wanted = python ?? join(environments[build], "bin/python");
  const isIt = (found: Installed | undefined) => found?.python === wanted && found.client === client;
  const found = await findTorch(env);
  if (found && isIt(found)) return { installed: found, before: true };
  await checkPython(python ?? "python3", python !== undefined, run);
  await makeDirectory(root).catch((error) => Promise.reject(asWriteError(error, root)));
  const waits = async () => {
    onProgress("waiting");
    return signal?.aborted ?? false;
  };
  using _lock = await lockFile(join(root, ".lock"), { patienceMs: Number.POSITIVE_INFINITY, giveUp: waits });
  signal?.throwIfAborted();
  const others = await findTorch(env);
  if (others && isIt(others)) return { installed: others, before: true };
  try {
    if (python === undefined && others?.python !== wanted) await makeEnvironment(build, root, environments[build], run, onProgress);
    onProgress("trainer");
    await pip(wanted, ["--upgrade", CLIENT], run);
    onProgress("try");
    const trainer = join(dirname(wanted), "ratatouille-trainer");
    const installed = { python: wanted, trainer, ...(await tryOut(wanted, trainer, run)), own: python !== undefined, client };
    await replaceFile(list, JSON.stringify(installed));
    return { installed, before: false };
  } catch (error) {
    throw asWriteError(error, root);
  }
}

/** @throws SetupError where this Python does not do */
async function checkPython(python: string, own: boolean, run: Run): Promise<void> {
  const ended = await runProgram(python, ["-c", FACTS], run);
  const said = v.safeParse(v.pipe(v.string(), v.parseJson(), facts), ended.output.trim());
  if (ended.code === undefined) throw new SetupError(`There is no ${python} here; PyTorch needs Python 3.10 or later`);
  if (!said.success) throw new SetupError(`${python} does not run: ${excerpt(complaint(ended))}`);
  const { version, venv, lacks } = said.output;
  if (version[0] < 3 || (version[0] === 3 && version[1] < 10))
    throw new SetupError(`${python} is Python ${version.join(".")}, and the trainer needs 3.10 or later`);
  if (own && lacks.length > 0) throw new SetupError(`${python} has no ${lacks.join(" and no ")}: install it there, or leave --python out`);
  if (!own && !venv) throw new SetupError(`${python} lacks venv, which makes environments; on Debian and Ubuntu python3-venv has it`);
}

async function makeEnvironment(
  build: Build,
  root: string,
  folder: string,
  run: Run,
  onProgress: (stage: SetupStage) => void,
): Promise<void> {
  const { download, installed } = SIZES[build];
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize < download + installed) {
    const needed = bytes(download + installed);
    throw new SetupError(
      `${root} has ${bytes(bavail * bsize)} free, and PyTorch needs ${needed} there: free some, or name another place with XDG_CACHE_HOME`,
    );
  }
  onProgress("environment");
  const python = join(folder, "bin/python");
  const works = await access(python)
    .then(() => runProgram(python, ["-m", "pip", "--version"], run))
    .then(({ code }) => code === 0)
    .catch(() => false);
  if (!works) {
    await rm(folder, { recursive: true, force: true });
    await succeed("python3", ["-m", "venv", folder], "no environment could be made", run);
  }
  onProgress("packages");
  await pip(python, [...PACKAGES, ...(build === "cpu" ? ["--extra-index-url", CPU_INDEX] : [])], run);
}

function pip(python: string, what: readonly string[], run: Run): Promise<string> {
  const options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
  return succeed(python, [...options, ...what], "pip could not install what is needed", run);
}

async function tryOut(python: string, trainer: string, run: Run): Promise<v.InferOutput<typeof tried>> {
  const answer = await succeed(python, ["-c", TRY], "PyTorch was installed, but does not run here", run);
  await succeed(trainer, ["torch", "--help"], "the trainer was installed, but does not run here", run);
  return v.parse(v.pipe(v.string(), v.parseJson(), tried), answer.trim().split("\n").at(-1) ?? "");
}

/** What a program writes to its output. @throws SetupError, NoSpaceError, the signal's reason */
async function succeed(program: string, args: readonly string[], failed: string, run: Run): Promise<string> {
  const ended = await runProgram(program, args, run);
  if (ended.code === 0) return ended.output;
  if (/no space left/i.test(ended.errors)) throw new NoSpaceError(torchPlace(run.env).root);
  throw new SetupError(`${failed[0]?.toUpperCase()}${failed.slice(1)}: ${excerpt(complaint(ended))}`);
}
