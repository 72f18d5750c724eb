import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileOf, filesReached, relativeReference } from "./reached.ts";
import { rewriteReferences } from "./references.ts";
import { run } from "./run.ts";

/**
 * Emits JavaScript, declarations and maps of all that some sources need, at the places that the sources have in the repository: so what they
 * find beside themselves by its URL is there, too.
 * @param work a folder below the root, where packages are found; `source` and `package` in it are made anew
 * @returns the folder of the package, and its files
 * @throws Error if the compiler finds something wrong, which it says
 */
export async function emit(root: string, entries: readonly string[], work: string): Promise<{ folder: string; files: readonly string[] }> {
  const [source, folder] = [join(work, "source"), join(work, "package")];
  const reached = filesReached(root, entries);
  // Its version is found by a URL; the package has one of its own there.
  reached.delete("package.json");
  for (const old of [source, folder]) await rm(old, { recursive: true, force: true });
  for (const [path, text] of reached) {
    const target = join(text === undefined ? folder : source, path);
    await mkdir(dirname(target), { recursive: true });
    if (text === undefined) await copyFile(join(root, path), target);
    else await writeFile(target, sourceFor(path, text));
  }
  await writeFile(join(source, "tsconfig.json"), JSON.stringify(configuration(root, folder, [...reached])));
  await run(join(root, "node_modules/.bin/tsc"), ["-p", source], root);
  return { folder, files: [...reached.keys()] };
}

/** A source whose references are relative, and those to files that are emitted under another name have that. */
function sourceFor(path: string, text: string): string {
  return rewriteReferences(text, (reference) => {
    if (reference.kind === "file") return reference.text.replace(/\.ts$/, ".js");
    const target = fileOf(reference, path);
    return target === undefined ? reference.text : relativeReference(path, target);
  });
}

function configuration(root: string, outDir: string, reached: readonly (readonly [string, string | undefined])[]): object {
  return {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      sourceMap: true,
      inlineSources: true,
      rewriteRelativeImportExtensions: true,
      // WebAssembly is declared there.
      lib: ["esnext", "dom"],
      rootDir: ".",
      outDir,
    },
    include: [],
    exclude: [],
    files: reached.flatMap(([path, text]) => (text === undefined ? [] : [path])),
  };
}
