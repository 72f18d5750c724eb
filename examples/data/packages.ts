import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { userCache } from "#libs/files";

const run = promisify(execFile);

/** The folder of a package of npm, which its own client fetches and checks, once. @param name with its version, such as "left-pad@1.3.0" */
export async function npmPackage(name: string): Promise<string> {
  const folder = join(userCache("packages"), name.replace("/", "+"));
  if (await holdsFiles(join(folder, "package"))) return join(folder, "package");
  await mkdir(folder, { recursive: true });
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder, name]);
  const archive = stdout.trim().split("\n").at(-1) ?? "";
  await run("tar", ["-xzf", join(folder, archive), "-C", folder]);
  return join(folder, "package");
}

/** The folder of a module of Go, which its own client fetches, checks and keeps. @param name with its version */
export async function goModule(name: string): Promise<string> {
  const { stdout } = await run("go", ["mod", "download", "-json", name], {
    env: { ...process.env, GO111MODULE: "on", GOFLAGS: "-mod=mod" },
  });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** The folder of a package of Python without those that it needs, which pip fetches and checks, once. @param name with its version */
export async function pythonPackage(name: string): Promise<string> {
  const folder = join(userCache("packages"), name);
  if (!(await holdsFiles(folder))) await run("python3", ["-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, name]);
  return folder;
}

async function holdsFiles(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}
