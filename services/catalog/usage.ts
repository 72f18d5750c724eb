import { type RawBuilder, sql } from "kysely";
import type { Page } from "./artifacts.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** How much is stored for a group: what it names, and all that this needs. */
export type Usage = { readonly name: string; readonly artifacts: number; readonly bytes: number };

/** Refs and tags by the word behind a prefix, or artifacts by the value of an annotation. */
export type Grouping = { readonly refPrefix: string } | { readonly annotation: string };

/** Groups by name, from the one after `after`, and the bytes of all blobs that artifacts name. */
export async function storageUsage(
  { query }: CatalogDatabase,
  { grouping, size, after }: { grouping: Grouping; size: number; after: string | undefined },
): Promise<Page<Usage, string> & { readonly storedBytes: number }> {
  const named = await membersOf(grouping).execute(query);
  const groups = new Map<string, number[]>();
  for (const { name, sequence } of named.rows) {
    const group = "annotation" in grouping ? name : groupOf(name, grouping.refPrefix);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [sequence]);
    else members.push(sequence);
  }
  const names = [...groups.keys()].filter((name) => after === undefined || name > after).sort();
  const items: Usage[] = [];
  for (const name of names.slice(0, size)) {
    const { rows } = await sql<{ artifacts: number; bytes: number }>`
      with recursive needed (sequence) as (
        select value from json_each(${JSON.stringify(groups.get(name))})
        union select input from needed cross join artifact_input on artifact_input.artifact = needed.sequence)
      select (select count(*) from needed) as artifacts, coalesce(sum(size), 0) as bytes from (
        select distinct blob, size from artifact_blob where artifact in (
          select digest from artifact where sequence in (select sequence from needed)))`.execute(query);
    items.push({ name, ...rows[0]! });
  }
  const stored = await sql<{ bytes: number }>`
    select coalesce(sum(size), 0) as bytes from (select distinct blob, size from artifact_blob)`.execute(query);
  return { items, next: names.length > size ? items.at(-1)?.name : undefined, storedBytes: stored.rows[0]!.bytes };
}

function membersOf(grouping: Grouping): RawBuilder<{ name: string; sequence: number }> {
  if ("annotation" in grouping) return sql`select value as name, artifact as sequence from annotation where name = ${grouping.annotation}`;
  const within = sql`name >= ${grouping.refPrefix} and name < ${`${grouping.refPrefix}\u{10ffff}`}`;
  return sql`
    select name, sequence from ref join artifact on artifact.digest = ref.digest where ${within}
    union all select name, artifact from tag where artifact is not null and ${within}`;
}

/** "birds/small" of "birds/small/a" and "birds/small:1.0", with the prefix "birds/". */
function groupOf(name: string, prefix: string): string {
  const end = name.slice(prefix.length).search(/[/:]/);
  return end < 0 ? name : name.slice(0, prefix.length + end);
}
