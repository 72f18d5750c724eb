import { internal } from "./errors.ts";

/**
 * The pages of a list, one call each, until a page has no token: `allPages((pageToken) => catalog.listRefs({ pageToken }, { signal }))`.
 * INTERNAL (PAGES_REPEAT) if the list gives the token that it was asked with, which would never end.
 * @example
 * ```ts
 * const pages = { "": { items: [1, 2], nextPageToken: "b" }, b: { items: [3], nextPageToken: "" } };
 * const all: number[] = [];
 * for await (const { items } of allPages(async (token) => pages[token])) all.push(...items);
 * all; // [1, 2, 3]
 * ```
 */
export async function* allPages<P extends { readonly nextPageToken: string }>(
  list: (pageToken: string) => Promise<P>,
): AsyncGenerator<P, void, undefined> {
  for (let pageToken = ""; ; ) {
    const page = await list(pageToken);
    yield page;
    if (page.nextPageToken === "") return;
    if (page.nextPageToken === pageToken) throw internal(`the page after ${pageToken} is itself`, { reason: "PAGES_REPEAT" });
    pageToken = page.nextPageToken;
  }
}
