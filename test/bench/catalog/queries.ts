import { uniform } from "#libs/deterministic";
import type { ServiceClient } from "#libs/rpc";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { type CatalogService, LineageDirection } from "#proto/ratatouille/v1/catalog_pb.ts";
import { ARCHITECTURES, DOMAINS, LICENCES, type Seeded } from "./seed.ts";

type Catalog = ServiceClient<typeof CatalogService>;

/** Questions by what they are, each asked in many ways: `n` counts them. */
export function questions(
  catalog: Catalog,
  { foundations, tuned, averages }: Seeded,
): { readonly [name: string]: (n: number) => Promise<unknown> } {
  const any = <T>(list: readonly T[], n: number, salt = 0): T => list[Math.floor(uniform(salt, n) * list.length)]!;
  const found = (filter: string, orderBy = "") => catalog.listArtifacts({ filter, orderBy, pageSize: 100 });
  const lists = [
    () => catalog.listArtifacts({ kind: ArtifactKind.MODEL, pageSize: 100 }),
    () => found("", "size desc"),
    () => found("kind = model", "metric.validationAccuracy desc"),
  ];
  const searches: ((n: number) => Promise<unknown>)[] = [
    (n) => found(`architecture = ${any(ARCHITECTURES, n)} AND metric.validationAccuracy > 0.9`),
    (n) => found(`licence = ${any(LICENCES, n)} domain = ${any(DOMAINS, n, 1)} recipe = train`),
    (n) => found(`name = "task-${n % 200}/*"`, "metric.validationAccuracy desc"),
    (n) => found(`architecture = ${any(ARCHITECTURES, n)} metric.validationAccuracy > 0.9999`),
    (n) => found(`parent = ${any(tuned, n)}`),
    (n) => found(`model-${n}`),
    (n) => found(`recipe = average licence = MIT NOT architecture = ${any(ARCHITECTURES, n)}`, "created"),
  ];
  const { ANCESTORS, DESCENDANTS } = LineageDirection;
  const pages = new Map<string, string>();
  const lineages: ((n: number) => Promise<unknown>)[] = [
    (n) => catalog.getLineage({ digest: any(averages, n), direction: ANCESTORS, pageSize: 100 }),
    (n) => catalog.getLineage({ digest: any(tuned, n), direction: DESCENDANTS, membersOnly: true, pageSize: 100 }),
    (n) => catalog.findCommonAncestors({ digests: [any(averages, n), any(averages, n, 1), any(tuned, n)] }),
    // A sixth of all models descends from each foundation: page after page of them.
    async (n) => {
      const digest = any(foundations, n);
      const { nextPageToken } = await catalog.getLineage({
        digest,
        direction: DESCENDANTS,
        pageSize: 100,
        pageToken: pages.get(digest) ?? "",
      });
      pages.set(digest, nextPageToken);
    },
  ];
  const each = (asked: readonly ((n: number) => Promise<unknown>)[]) => (n: number) => asked[n % asked.length]!(n);
  return { list: each(lists), search: each(searches), lineage: each(lineages) };
}
