import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";
import type { ConfigProblem } from "./errors.ts";

/** A configuration that is being read: its document, and what was found so far. */
export type Reading = {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly problems: ConfigProblem[];
  readonly notes: string[];
};

/** A value and the key that people know it by. */
export type Field = { readonly node: Node; readonly name: string };

/** Where something is in the file. */
export type Position = { readonly line: number; readonly column: number };

export function positionOf({ lines }: Reading, node: Node | null | undefined): Position {
  const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
  return { line, column: col };
}

/** Records what is wrong with a value: "`name` at line 3", then the text. */
export function wrong(reading: Reading, { node, name }: Field, text: string): undefined {
  const position = positionOf(reading, node);
  const what = name === "" ? "the configuration" : `\`${name}\``;
  reading.problems.push({ ...position, message: `${what} at line ${position.line} ${text}` });
}

/** The node itself, or what an alias stands for. */
export function resolve({ document }: Reading, node: Node): Node {
  return isAlias(node) ? (node.resolve(document) ?? node) : node;
}

/** Whether a value is missing: `key:` with nothing behind it, or null. mergekit takes it as left out. */
export function isEmpty(node: Node | null | undefined): boolean {
  return node === null || node === undefined || (isScalar(node) && (node.value === null || node.value === undefined));
}

/**
 * The fields of a mapping that have a value. `known` has the fields that are read, `refused` those that mergekit knows and we do not take,
 * with the reason. Every other field is a mistake, and so is one that is given twice. Undefined if it is no mapping.
 */
export function fields(
  reading: Reading,
  place: Field,
  known: readonly string[],
  refused: { readonly [name: string]: string } = {},
): Map<string, Field> | undefined {
  const node = resolve(reading, place.node);
  if (!isMap(node)) return wrong(reading, place, `must be a mapping with ${quoted(known)}`);
  const found = new Map<string, Field>();
  const keys = new Map<string, Node>();
  for (const { key, value } of pairsOf(reading, node.items as Pair<Node, Node | null>[])) {
    const name = isScalar(key) ? String(key.value) : "?";
    const first = keys.get(name);
    keys.set(name, key);
    if (first !== undefined) wrong(reading, { node: key, name }, `is given twice, first at line ${positionOf(reading, first).line}`);
    else if (isEmpty(value)) continue;
    else if (Object.hasOwn(refused, name)) wrong(reading, { node: key, name }, `is not taken: ${refused[name]}`);
    else if (!known.includes(name)) wrong(reading, { node: key, name }, `is not known here; possible are ${quoted(known)}`);
    else found.set(name, { node: value!, name });
  }
  return found;
}

/** Every field of a mapping, whatever its name. Undefined if it is no mapping. */
export function entries(reading: Reading, place: Field): (Field & { readonly key: Node })[] | undefined {
  const node = resolve(reading, place.node);
  if (!isMap(node)) return wrong(reading, place, "must be a mapping of names to values");
  return pairsOf(reading, node.items as Pair<Node, Node | null>[])
    .filter(({ value }) => !isEmpty(value))
    .map(({ key, value }) => ({ key, node: value!, name: isScalar(key) ? String(key.value) : "?" }));
}

/** The items of a list. Undefined if it is none. */
export function items(reading: Reading, place: Field): Field[] | undefined {
  const node = resolve(reading, place.node);
  if (!isSeq(node)) return wrong(reading, place, "must be a list");
  return (node.items as Node[]).map((item) => ({ node: item, name: place.name }));
}

/** A number, a truth value or a text. */
export function scalar(reading: Reading, place: Field, expected = "a number, true, false or text"): number | boolean | string | undefined {
  const node = resolve(reading, place.node);
  const value = isScalar(node) ? node.value : undefined;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") return value;
  return wrong(reading, place, `must be ${expected}`);
}

/** Text as it is written, also where YAML would take it for a number or a truth value: a folder may be named 7 or no. */
export function text(reading: Reading, place: Field): string | undefined {
  const node = resolve(reading, place.node);
  if (isScalar(node) && typeof node.value === "string") return node.value;
  if (isScalar(node) && node.source !== undefined && !isEmpty(node)) return node.source;
  return wrong(reading, place, "must be text");
}

/** Names in back quotes, separated by commas. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

/** Pairs with what `<<` brings in, which the mapping's own keys override. A mapping that brings in itself brings nothing. */
function pairsOf(
  reading: Reading,
  pairs: readonly Pair<Node, Node | null>[],
  inside: readonly (readonly Pair<Node, Node | null>[])[] = [],
): Pair<Node, Node | null>[] {
  const isMerge = ({ key }: Pair<Node, Node | null>) => isScalar(key) && (key.value === "<<" || typeof key.value === "symbol");
  const own = pairs.filter((pair) => !isMerge(pair));
  const names = new Set(own.map(({ key }) => (isScalar(key) ? String(key.value) : "?")));
  for (const { value } of pairs.filter(isMerge)) {
    const merged = value === null ? undefined : resolve(reading, value);
    const maps = isSeq(merged) ? (merged.items as Node[]).map((item) => resolve(reading, item)) : [merged];
    for (const map of maps) {
      if (!isMap(map)) continue;
      const others = map.items as Pair<Node, Node | null>[];
      if (others === pairs || inside.includes(others)) continue;
      for (const pair of pairsOf(reading, others, [...inside, pairs])) {
        const name = isScalar(pair.key) ? String(pair.key.value) : "?";
        if (!names.has(name)) own.push(pair);
        names.add(name);
      }
    }
  }
  return own;
}
