import { isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import { advice, type Field, quoted, type Read, report, resolve, written, wrong } from "./field.ts";

/** A key of a mapping: how its value is read, and what it is where the key is missing (no fallback: it must be there). */
export type Key<T> = { readonly read: Read<T>; readonly fallback?: T; readonly example?: string };

/** A key that must be given; the example is shown where it is missing. */
export function required<T>(read: Read<T>, example: string): Key<T> {
  return { read, example };
}

/** A key that may be left out. */
export function optional<T>(read: Read<T>, fallback: NoInfer<T>): Key<T> {
  return { read, fallback };
}

/** A key that may be left out, and is null then. */
export function maybe<T>(read: Read<T>): Key<T | null> {
  return { read, fallback: null };
}

type Keys = { readonly [key: string]: Key<unknown> };
type Values<K extends Keys> = { [N in keyof K]: K[N] extends Key<infer T> ? T : never };

/** A mapping with known keys. Unknown keys, keys given twice and missing keys are mistakes. What is wrong or missing is undefined in it. */
export function mapping<K extends Keys>(keys: K): Read<Values<K>> {
  return (field) => {
    const node = resolve(field);
    const names = Object.keys(keys);
    if (!isMap(node)) return wrong(field, `must have the keys ${quoted(names)}`);
    const given = givenKeys(field, node.items as Pair<Node, Node | null>[], names);
    const entries = Object.entries(keys).map(([name, key]) => [name, readKey({ ...field, node }, name, key, given.get(name))] as const);
    // Also where some values are wrong: what others make together is told in the same go.
    return Object.fromEntries(entries) as Values<K>;
  };
}

/** A list of `min` (1) to `max` values. `distinct`: no value twice. */
export function list<T>(read: Read<T>, { min = 1, max = 10_000, distinct = false } = {}): Read<T[]> {
  return (field) => {
    const node = resolve(field);
    if (!isSeq(node)) return wrong(field, isScalar(node) ? `must be a list: [${written(field).replaceAll("`", "")}]` : "must be a list");
    const items = (node.items as Node[]).map((item) => ({ node: item, name: field.name, source: field.source }));
    if (items.length < min) return wrong(field, `must have at least ${min === 1 ? "one value" : `${min} values`}`);
    if (items.length > max) return wrong(field, `has ${items.length} values, more than ${max}`);
    const values = items.map((item) => read(item));
    if (distinct)
      items
        .filter((_, i) => values[i] !== undefined && values.indexOf(values[i]) < i)
        .map((item) => wrong(item, `has ${written(item)} twice`));
    return values.includes(undefined) ? undefined : (values as T[]);
  };
}

type Given = { readonly key: Node; readonly value: Node | null };

function givenKeys(field: Field, pairs: readonly Pair<Node, Node | null>[], names: readonly string[]): Map<string, Given> {
  const given = new Map<string, Given>();
  for (const { key, value } of pairs) {
    const name = isScalar(key) ? String(key.value) : "?";
    const at = { ...field, node: key };
    const first = given.get(name);
    if (!names.includes(name)) {
      report(at, (line) => `unknown key \`${name}\` ${line}: ${advice(name, names)}`);
    } else if (first !== undefined) {
      const { line } = field.source.lines.linePos(first.key.range?.[0] ?? 0);
      wrong({ ...at, name }, `is given twice, first at line ${line}`);
    } else {
      given.set(name, { key, value });
    }
  }
  return given;
}

function readKey<T>(field: Field, name: string, key: Key<T>, given: Given | undefined): T | undefined {
  if (given === undefined) {
    if (key.fallback !== undefined) return key.fallback;
    const inside = field.name === "" ? "" : ` in \`${field.name}\``;
    return report(field, (at) => `key \`${name}\` is missing${inside} ${at}, for example \`${name}: ${key.example}\``);
  }
  const { value } = given;
  if (value === null || (isScalar(value) && value.value === null)) return wrong({ ...field, node: given.key, name }, "has no value");
  return key.read({ ...field, node: value, name });
}
