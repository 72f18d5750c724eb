import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";
import { excerpt, nearest } from "#libs/text";
import type { Problem } from "./problems.ts";

/** A parsed run file, and what was found wrong in it so far. */
export type Source = { readonly document: Document; readonly lines: LineCounter; readonly problems: Problem[] };

/** A node, and the name that people know it by: the key that it belongs to. Empty for the whole file. */
export type Field = { readonly node: Node | null; readonly name: string; readonly source: Source };

/** Reads one value. Undefined: it was wrong, and the problem is recorded. */
export type Read<T> = (field: Field) => T | undefined;

/** Records a mistake: "`name` at line 3", then the text. */
export function wrong(field: Field, text: string): undefined {
  return report(field, (at) => `${field.name === "" ? "the run file" : `\`${field.name}\``} ${at} ${text}`);
}

/** Records a mistake with a message built around its place, which is "at line 3". */
export function report({ node, source }: Field, message: (at: string) => string): undefined {
  const { line, col } = source.lines.linePos(node?.range?.[0] ?? 0);
  source.problems.push({ line, column: col, message: message(`at line ${line}`) });
}

/** The node itself, or the one that an alias stands for. */
export function resolve({ node, source }: Field): Node | null | undefined {
  return isAlias(node) ? node.resolve(source.document) : node;
}

/** A scalar as it stands in the file, in back quotes. */
export function written(field: Field): string {
  const node = resolve(field);
  if (!isScalar(node)) return "this";
  const mark = typeof node.value === "string" && node.type !== "PLAIN" ? '"' : "";
  return `\`${mark}${excerpt(node.source ?? String(node.value), 60)}${mark}\``;
}

/** What to write instead of an unknown word: the nearest candidate, or all of them. */
export function advice(text: string, candidates: readonly string[]): string {
  const near = nearest(text, candidates);
  return near === undefined ? `possible here: ${quoted(candidates)}` : `did you mean \`${near}\`?`;
}

/** Words in back quotes, separated by commas. */
export function quoted(words: readonly string[]): string {
  return words.map((candidate) => `\`${candidate}\``).join(", ");
}

/** The nearest node on a path that is in the file; keys that are left out have none of their own. */
export function at(source: Source, ...path: readonly (string | number)[]): Field {
  let node: Node | null = source.document.contents as Node | null;
  for (const key of path) {
    const next = isMap(node) || isSeq(node) ? (node.get(key, true) as Node | undefined) : undefined;
    if (next === undefined) break;
    node = next;
  }
  return { node, name: String(path.at(-1)), source };
}
