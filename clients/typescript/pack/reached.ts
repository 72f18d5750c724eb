import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Reference, referencesOf } from "./references.ts";

/** The prefixes of the repository's import map, and how its paths go on. */
const IMPORT_MAP: readonly (readonly [string, (rest: string) => string])[] = [
  ["#libs/", (rest) => `libs/${rest}/index.ts`],
  ["#proto/", (rest) => `proto/gen/${rest}`],
];

/** The file that a reference of a file means, both from the root of the repository; undefined for a package or a module of the runtime. */
export function fileOf({ text, kind }: Reference, from: string): string | undefined {
  for (const [prefix, path] of IMPORT_MAP) if (text.startsWith(prefix)) return path(text.slice(prefix.length));
  if (kind === "module" && !text.startsWith(".")) return undefined;
  return join(dirname(from), text);
}

/**
 * The files that are needed by some, these included: all that they refer to, and what that refers to.
 * @param root of the repository; all paths are relative to it
 * @throws Error naming who refers to a file that is not there
 */
export function filesReached(root: string, entries: readonly string[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  const visit = (path: string, from: string) => {
    if (found.has(path)) return;
    if (!existsSync(join(root, path))) throw new Error(`${from} refers to ${path}, which is not there`);
    const source = path.endsWith(".ts") ? readFileSync(join(root, path), "utf8") : undefined;
    found.set(path, source);
    for (const reference of source === undefined ? [] : referencesOf(source)) {
      if (reference.kind === "folder") for (const module of modulesIn(root, join(dirname(path), reference.text))) visit(module, path);
      else {
        const target = fileOf(reference, path);
        // A folder that is named by its URL is not a part of the program.
        if (target !== undefined && !(reference.kind === "file" && !/\.\w+$/.test(target))) visit(target, path);
      }
    }
  };
  for (const entry of entries) visit(entry, "the package");
  return found;
}

function modulesIn(root: string, folder: string): string[] {
  return globSync("*.ts", { cwd: join(root, folder) })
    .filter((name) => !name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(folder, name));
}

/** One file as another one refers to it. */
export function relativeReference(from: string, to: string): string {
  const path = relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
