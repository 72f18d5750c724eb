import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

/** The names that a source file imports, and what it may take from a module that it loads when it is needed. */
function importedBy(source: string): string[] {
  const imports = source.matchAll(/^import (?:type )?\{([^}]*)\}/gm);
  const loads = source.matchAll(/^\s*const ([^=;]*\{[^=;]*\}[^=;]*) = await |import\([^)]*\)\)\.(\w+)/gm);
  const names = [...imports].flatMap(([, list = ""]) =>
    list.split(",").map(
      (name) =>
        name
          .trim()
          .replace(/^type /, "")
          .split(" as ")[0]!,
    ),
  );
  return [...names, ...[...loads].flatMap(([, pattern, name]) => (pattern ?? name ?? "").match(/\w+/g) ?? [])].filter(
    (name) => name !== "",
  );
}

/** Values that a source file exports. Examples run, so what has one is used by it. */
function exportedBy(source: string): string[] {
  const found = source.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:async )?(?:function\*?|const|class) (\w+)/gm);
  return [...found].flatMap(([, comment = "", name = ""]) => (comment.includes("@example") ? [] : [name]));
}

test("what is exported is imported somewhere", () => {
  const paths = globSync("{libs,services,test,deploy,clients/typescript,examples/clients}/**/*.ts", {
    cwd: root,
    exclude: (path) => path.includes("assembly"),
  });
  const sources = new Map(paths.sort().map((path) => [path, readFileSync(resolve(root, path), "utf8")]));
  const importers = new Map<string, Set<string>>();
  for (const [path, source] of sources)
    for (const name of importedBy(source)) importers.set(name, (importers.get(name) ?? new Set()).add(path));
  assert.ok(importers.size > 1000, `${importers.size} imported names`);
  const unused = [...sources].flatMap(([path, source]) =>
    exportedBy(source)
      // What a thread is told by its name of a file has this export.
      .filter((name) => name !== "setup" && [...(importers.get(name) ?? [])].every((importer) => importer === path))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(unused, []);
});

test("an export is found with and without a comment, and an import in each of its forms", () => {
  const source = `export const a = 1;\n/** B. */\nexport async function b() {}\n/** @example c(); // 1 */\nexport class c {}\n`;
  assert.deepEqual(exportedBy(source), ["a", "b"]);
  const imports = `import { type A, b as c } from "./a.ts";\nconst [{ d }, { e: f }] = await Promise.all([x, y]);\nreturn (await import("./g.ts")).g;\n`;
  assert.deepEqual(importedBy(imports), ["A", "b", "d", "e", "f", "g"]);
});
