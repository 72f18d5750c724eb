import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { emit } from "./emit.ts";
import { inlineFunctions } from "./inline.ts";
import { packageManifest, type Repository } from "./manifest.ts";
import { run } from "./run.ts";

/** Packages that only a part of the exports needs: who uses it installs them. */
const OPTIONAL: readonly string[] = ["@connectrpc/connect", "@connectrpc/connect-web"];

/**
 * Makes the npm package of the TypeScript client.
 * @param root of the repository
 * @param out a folder that is there
 * @returns the path of the tarball
 * @throws Error naming the step that failed
 */
export async function pack(root: string, out: string): Promise<string> {
  const repository: Repository = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const entries = Object.values(repository.exports).map((path) => path.replace("./", ""));
  const { folder, files } = await emit(root, entries, join(root, "node_modules/.cache/package"));
  await inlineFunctions(root, folder, Object.keys(repository.dependencies));
  const emitted = files.filter((path) => path.endsWith(".ts")).flatMap((path) => [".js", ".d.ts"].map((end) => path.replace(/\.ts$/, end)));
  const sources = await Promise.all(emitted.map((path) => readFile(join(folder, path), "utf8")));
  const manifest = packageManifest(repository, sources, OPTIONAL);
  await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const [from, to] of [["LICENSE"], ["NOTICE"], ["clients/typescript/README.md", "README.md"]] as const)
    await copyFile(join(root, from), join(folder, to ?? from));
  await run("npm", ["pack", "--silent", "--pack-destination", out], folder);
  return join(out, `${manifest.name}-${manifest.version}.tgz`);
}
