/** What a source file refers to by a text: a module, a file that it finds beside itself, or all modules of a folder. */
export type Reference = { readonly text: string; readonly kind: "module" | "file" | "folder" };

/** In sources as biome formats them: `from "…"`, `import "…"`, `import("…")`, `import(`./…`)` and `new URL("…", import.meta.url)`. */
const PATTERN = /(\bfrom |\bimport |\bimport\(|\bnew URL\()"([^"\n]+)"|\bimport\(`(\.\/)\$\{[^`\n]*\}\.ts`\)/g;

/**
 * All references of a source, without those in comments.
 */
export function referencesOf(source: string): Reference[] {
  return source
    .split("\n")
    .filter((line) => !isComment(line))
    .flatMap((line) => [...line.matchAll(PATTERN)].flatMap(([, before, text, folder]) => referenceOf(line, before, text, folder)));
}

/**
 * The same source with other references. Comments and the count of lines stay as they are.
 * @param change the text for a reference
 */
export function rewriteReferences(source: string, change: (reference: Reference) => string): string {
  const rewritten = (line: string) =>
    line.replace(PATTERN, (whole, before, text, folder) => {
      const [reference] = referenceOf(line, before, text, folder);
      return reference === undefined || reference.kind === "folder" ? whole : `${before}"${change(reference)}"`;
    });
  return source
    .split("\n")
    .map((line) => (isComment(line) ? line : rewritten(line)))
    .join("\n");
}

function referenceOf(line: string, before?: string, text?: string, folder?: string): Reference[] {
  if (folder !== undefined) return [{ text: folder, kind: "folder" }];
  if (before !== "new URL(") return [{ text: text!, kind: "module" }];
  return line.includes("import.meta.url") ? [{ text: text!, kind: "file" }] : [];
}

function isComment(line: string): boolean {
  return /^\s*(\*|\/\/|\/\*)/.test(line);
}
