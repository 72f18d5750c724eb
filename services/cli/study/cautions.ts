import { engineNamed, engines } from "#libs/engines";
import { networkNames } from "#libs/networks";
import type { StudyAuxiliary, StudyFile } from "#libs/runfile";
import { didYouMean, list } from "#libs/text";

/** What a run file asks for that may not be what was meant, one sentence each. */
export function cautions({
  auxiliaries,
  foundation,
  network,
  backend,
  backends,
}: Pick<StudyFile, "auxiliaries" | "foundation" | "network" | "backend" | "backends">): string[] {
  return [
    ...(auxiliaries.length === 0
      ? ["without auxiliaries nothing is recycled: every member starts from the foundation, and what is called recycling is a second soup"]
      : []),
    ...(foundation.kind === "drawn"
      ? [`the foundation has no weights, so ${network.name} starts untrained: name some, or data to train it on first`]
      : []),
    ...sameModels(auxiliaries, foundation),
    // Of a network that only trainers know their engine has any name.
    ...(networkNames().includes(network.name) ? (backends.length > 0 ? backends : [backend]).flatMap(unknownEngine) : []),
  ];
}

/** Models that stand for more than one start: members that differ in nothing but their seeds. */
function sameModels(auxiliaries: readonly StudyAuxiliary[], foundation: StudyFile["foundation"]): string[] {
  const named = new Map<string, string[]>(foundation.kind === "model" ? [[foundation.path, ["the foundation"]]] : []);
  for (const { name, from } of auxiliaries)
    for (const path of from.kind === "models" ? from.paths : from.kind === "path" ? [from.path] : [])
      named.set(path, [...(named.get(path) ?? []), `the auxiliary ${name}`]);
  return [...named].flatMap(([path, names]) => (names.length > 1 ? [`${list(names)} are one model, ${path}: it brings nothing new`] : []));
}

function unknownEngine(backend: string): string[] {
  if (backend === "auto" || engineNamed(backend)) return [];
  const names = engines.map(({ name }) => name);
  const hint = didYouMean(backend, names, `those that are known are ${list(names)}`);
  return [`no engine of ratatouille is called ${backend}, so a trainer must be there that has one: ${hint}`];
}
