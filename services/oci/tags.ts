import type { Catalog } from "./catalog.ts";
import { tagOf } from "./names.ts";

/** A page of the tags of a repository. */
export type TagPage = { readonly tags: readonly string[] /** There are more. */; readonly more: boolean };

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

/**
 * The tags behind `last`, at most `most` of them.
 * @example
 * ```ts
 * pageOfTags(["a", "b", "c"], { last: "a", most: 1 }); // { tags: ["b"], more: true }
 * pageOfTags(["a", "b"], {}); // { tags: ["a", "b"], more: false }
 * ```
 */
export function pageOfTags(
  tags: readonly string[],
  { last, most = tags.length }: { readonly last?: string | undefined; readonly most?: number | undefined },
): TagPage {
  const rest = last === undefined ? tags : tags.filter((tag) => tag > last);
  return { tags: rest.slice(0, most), more: most > 0 && rest.length > most };
}
