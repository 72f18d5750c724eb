import type { Structure } from "./structure.ts";

/** Tensors of two models that are the same under other names. */
export type Renaming = {
  readonly first: string;
  readonly second: string;
  /** By what the beginning of a name is in the first model and in the second. */
  readonly prefixes: readonly { readonly first: string; readonly second: string; readonly count: number }[];
  /** The model that calls weight and bias gamma and beta, as checkpoints of 2018 do. */
  readonly old?: string;
  /** Names in either that are explained. */
  readonly names: ReadonlySet<string>;
};

/** More kinds of beginnings are no renaming. */
const MOST_PREFIXES = 4;
const MOST_PARTS = 5;

/**
 * How the names of models differ where the tensors are the same: `module.`, `_orig_mod.`, `language_model.model.` for
 * `model.language_model.`, `LayerNorm.gamma`. A tensor of the one is one of the other where the ends of their names and the shapes are the
 * same, and of no other one.
 */
export function findRenamings(models: readonly Structure[], exclude: ReadonlySet<string>): Renaming[] {
  const groups = new Map<string, Structure>();
  for (const model of models) {
    const key = [...model.tensors.keys()].sort().join("\n");
    if (!groups.has(key)) groups.set(key, model);
  }
  const [first, ...others] = [...groups.values()];
  return others.flatMap((second) => renamingOf(first!, second, exclude) ?? []);
}

function renamingOf(a: Structure, b: Structure, exclude: ReadonlySet<string>): Renaming | undefined {
  const only = (one: Structure, other: Structure) =>
    [...one.tensors.keys()].filter((name) => !other.tensors.has(name) && !exclude.has(name));
  const inB = new Map<string, string[]>();
  for (const name of only(b, a)) for (const end of endsOf(name)) inB.set(end, [...(inB.get(end) ?? []), name]);
  const pairs: { a: string; b: string; end: string }[] = [];
  const taken = new Set<string>();
  const mine = only(a, b);
  const endsInA = new Map<string, number>();
  for (const name of mine) for (const end of endsOf(name)) endsInA.set(end, (endsInA.get(end) ?? 0) + 1);
  for (const name of mine) {
    const end = endsOf(name).find((one) => inB.get(one)?.length === 1 && endsInA.get(one) === 1);
    const other = end === undefined ? undefined : inB.get(end)![0]!;
    if (end === undefined || other === undefined || taken.has(other) || !sameShape(a, name, b, other)) continue;
    // Ends of one part, such as "weight", are no sign of the same tensor, unless they are the whole of a name.
    if (!end.includes(".") && end !== current(name) && end !== current(other)) continue;
    taken.add(other);
    pairs.push({ a: name, b: other, end });
  }
  const prefixes = new Map<string, { first: string; second: string; count: number }>();
  for (const pair of pairs) {
    const one = { first: current(pair.a).slice(0, -pair.end.length), second: current(pair.b).slice(0, -pair.end.length) };
    const key = `${one.first} ${one.second}`;
    prefixes.set(key, { ...one, count: (prefixes.get(key)?.count ?? 0) + 1 });
  }
  if (pairs.length === 0 || prefixes.size > MOST_PREFIXES) return undefined;
  const old = [a, b].find((model) => pairs.some((pair) => isOld(model === a ? pair.a : pair.b)));
  return {
    ...{ first: a.name, second: b.name },
    prefixes: [...prefixes.values()].filter(({ first, second }) => first !== second),
    ...(old === undefined ? {} : { old: old.name }),
    names: new Set(pairs.flatMap((pair) => [pair.a, pair.b])),
  };
}

function isOld(name: string): boolean {
  return /(^|\.)(gamma|beta)$/.test(name);
}

/** What a tensor is called today. */
function current(name: string): string {
  return name.replace(/(^|\.)gamma$/, "$1weight").replace(/(^|\.)beta$/, "$1bias");
}

/** The name, and what is left of it without its first parts: the longest first. */
function endsOf(name: string): string[] {
  const parts = current(name).split(".");
  return parts.slice(0, MOST_PARTS).map((_, i) => parts.slice(i).join("."));
}

function sameShape(a: Structure, nameA: string, b: Structure, nameB: string): boolean {
  return a.tensors.get(nameA)!.shape.join() === b.tensors.get(nameB)!.shape.join();
}

/** The renaming in one sentence, with the way on. */
export function sayRenaming({ first, second, prefixes, old }: Renaming): string {
  const only = prefixes.length === 1 ? prefixes[0]! : undefined;
  const gone = only && (only.first === "" || only.second === "");
  const [with_, without, prefix] = only?.first === "" ? [second, first, only.second] : [first, second, only?.first ?? ""];
  const wayOn = "load it with a current version of its library and save it again, which writes the names of today";
  const sentences = [
    ...(old === undefined ? [] : [`${old} has names of old checkpoints, LayerNorm.gamma and beta for weight and bias: ${wayOn}.`]),
    ...(gone ? [`All names of ${with_} begin with "${prefix}", and those of ${without} do not: ${WAYS[prefix] ?? wayOn}.`] : []),
    ...(!gone && prefixes.length > 0
      ? [`Tensors of ${first} have other names in ${second}: ${prefixes.map(sayPrefix).join(", ")}; ${wayOn}.`]
      : []),
  ];
  return sentences.join(" ");
}

function sayPrefix({ first, second }: Renaming["prefixes"][number]): string {
  if (second === "") return `"${first}" is left out`;
  return first === "" ? `"${second}" is put before the others` : `"${first}" is "${second}"`;
}

const WAYS: { readonly [prefix: string]: string } = {
  "_orig_mod.": "save the model that torch.compile was given (model._orig_mod), not what it gave",
  "module.": "save the model inside of DataParallel (model.module)",
};
