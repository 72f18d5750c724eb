import type { NetworkDefinition, Spelling } from "./definition.ts";

/** What wraps all of a model in files of common tools. */
const WRAPPERS = ["module.", "_orig_mod.", "model.", "backbone.", "network."];

/** DomainBed's models are a featurizer and a classifier, alone, in a sequence, or both. */
function domainbed(head: string): Spelling {
  return {
    by: "DomainBed",
    rename: (name) =>
      name
        .replace(/^(?:(?:network\.)?0|featurizer|network)\.(?:network\.)?(?!1\.)/, "")
        .replace(/^(?:network\.)?1\.|^classifier\./, `${head}.`),
  };
}

/** Names of a file, each with the network's name for it, and whose spelling they are where they are not the network's own. */
export type OwnNames = { readonly names: ReadonlyMap<string, string>; readonly by?: string };

/**
 * The network's names for the names of a file: without what wraps the model, and under the spelling by which most of them are the network's.
 * @param wanted the names that the network has
 */
export function ownNames(
  names: readonly string[],
  wanted: ReadonlySet<string>,
  { head, spellings = [] }: Pick<NetworkDefinition, "head" | "spellings">,
): OwnNames {
  const unwrapped = unwrap(names, wanted);
  const readings: OwnNames[] = [
    { names: unwrapped },
    ...[...spellings, domainbed(head)].map(({ by, rename }) => ({
      by,
      names: new Map([...unwrapped].map(([name, rest]) => [name, rename(rest)])),
    })),
  ];
  const known = readings.map((reading) => new Set([...reading.names.values()].filter((name) => wanted.has(name))).size);
  return readings[known.indexOf(Math.max(...known))]!;
}

/** Each name without the wrappers that all have, up to the names that the network has. */
function unwrap(names: readonly string[], wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  let rest = names;
  while (rest.length > 0 && !rest.some((name) => wanted.has(name))) {
    const wrapper = WRAPPERS.find((prefix) => rest.every((name) => name.startsWith(prefix)));
    if (wrapper === undefined) break;
    rest = rest.map((name) => name.slice(wrapper.length));
  }
  return new Map(names.map((name, i) => [name, rest[i]!]));
}
