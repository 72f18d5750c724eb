import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { excerpt } from "#libs/text";
import { type DownloadOptions, download, findPip } from "./download.ts";
import { SetupError } from "./errors.ts";
import { compiler } from "./packages.ts";
import { complaint, runProgram } from "./run-program.ts";

/** Where the sources of the binding are, and TensorFlow's libraries and headers; and where the module goes. */
export type Sources = {
  readonly binding: string;
  readonly nodeApi: string;
  readonly include: string;
  readonly libraries: string;
  readonly module: string;
};

/**
 * Compiles the Node-API module, by the compiler of $CXX, or a usual one that is there, or else by one that pip brings.
 * The module finds TensorFlow's libraries beside itself. Node-API's version 8 is that of every runtime here.
 * @throws SetupError if there is no compiler, or it fails.
 */
export async function compile(sources: Sources, options: DownloadOptions): Promise<void> {
  const { env, signal } = options;
  const flags = ["-std=c++17", "-O2", "-fPIC", "-shared"];
  const defines = ["-DNAPI_VERSION=8", "-DNODE_GYP_MODULE_NAME=tfjs_binding", "-DBUILDING_NODE_EXTENSION"];
  const includes = [sources.nodeApi, sources.include, join(sources.binding, "..")].map((folder) => `-I${folder}`);
  const files = ["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(sources.binding, file));
  const libraries = ["cc", "framework"].map((name) => join(sources.libraries, `libtensorflow_${name}.so.2`));
  const args = [...flags, ...defines, ...includes, ...files, ...libraries, "-Wl,-rpath,$ORIGIN", "-o", sources.module];
  await using found = await findCompiler(options);
  const [program, ...first] = found.command;
  const ended = await runProgram(program, [...first, ...args], { env: { ...env, ...found.env }, signal });
  if (ended.code === 0) return;
  throw new SetupError(`${found.command.join(" ")} could not compile the binding of TensorFlow: ${excerpt(complaint(ended))}`);
}

/** A compiler; one that was brought for this goes again. */
type Compiler = AsyncDisposable & { readonly command: readonly [string, ...string[]]; readonly env?: NodeJS.ProcessEnv };

async function findCompiler(options: DownloadOptions): Promise<Compiler> {
  const { env, signal } = options;
  const nothing = async () => {};
  const named = env["CXX"];
  for (const program of named ? [named] : ["g++", "c++", "clang++"])
    if ((await runProgram(program, ["--version"], { env, signal })).code === 0)
      return { command: [program], [Symbol.asyncDispose]: nothing };
  if (named) throw new SetupError(`CXX is ${named}, which is no compiler that can be run; name one, or take the variable away`);
  return bringCompiler(options);
}

async function bringCompiler(options: DownloadOptions): Promise<Compiler> {
  const { folder, env, signal } = options;
  const place = join(folder, "compiler");
  const remove = () => rm(place, { recursive: true, force: true });
  try {
    const wheel = await download(compiler, options);
    await mkdir(place, { recursive: true });
    const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", place, wheel];
    const ended = await runProgram(await findPip({ env, signal }), args, { env, signal });
    if (ended.code !== 0) throw new SetupError(complaint(ended));
  } catch (error) {
    await remove();
    if (!(error instanceof SetupError)) throw error;
    const advice = "install one, for example with: apt install g++";
    throw new SetupError(`The binding of TensorFlow needs a C++ compiler, and there is none here (${excerpt(error.message)}); ${advice}`, {
      cause: error,
    });
  }
  const zig = join(place, "ziglang", "zig");
  return {
    command: [zig, "c++", "-target", "x86_64-linux-gnu.2.17"],
    env: { ZIG_GLOBAL_CACHE_DIR: join(place, "cache") },
    [Symbol.asyncDispose]: remove,
  };
}
