import type { Catalog } from "./catalog.ts";
import { repositoriesOf, tagOf } from "./names.ts";

/** A part of a list of names, and whether more come behind it. */
export type Page = { readonly names: readonly string[]; readonly more: boolean };

/** All tags of a repository, in the order of their characters; undefined where it never had one. */
export async function listTags(catalog: Catalog, repository: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const tags = new Set<string>();
  let known = false;
  for await (const { name, digest } of catalog.refs(repository, signal)) {
    const tag = tagOf(repository, name);
    if (tag === undefined) continue;
    known = true;
    if (digest !== "") tags.add(tag);
  }
  for await (const { name } of catalog.fixedTags(`${repository}:`, signal)) {
    known = true;
    tags.add(name.slice(repository.length + 1));
  }
  return known ? [...tags].sort() : undefined;
}

/** All repositories that have a tag, in the order of their characters. */
export async function listRepositories(catalog: Catalog, signal: AbortSignal): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const { name, digest } of catalog.refs("", signal)) if (digest !== "") for (const one of repositoriesOf(name)) found.add(one);
  for await (const { name } of catalog.fixedTags("", signal)) for (const one of repositoriesOf(name)) found.add(one);
  return [...found].sort();
}

/**
 * The names behind `last`, at most `most` of them.
 * @example
 * ```ts
 * pageOf(["a", "b", "c"], { last: "a", most: 1 }); // { names: ["b"], more: true }
 * pageOf(["a", "b"], {}); // { names: ["a", "b"], more: false }
 * ```
 */
export function pageOf(
  names: readonly string[],
  { last, most = names.length }: { readonly last?: string | undefined; readonly most?: number | undefined },
): Page {
  const rest = last === undefined ? names : names.filter((name) => name > last);
  return { names: rest.slice(0, most), more: most > 0 && rest.length > most };
}
