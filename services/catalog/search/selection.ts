import { type RawBuilder, sql } from "kysely";
import type { CatalogDatabase } from "../store/tables.ts";
import { type Parents, textMatches } from "./compile.ts";
import { storedText } from "./fields.ts";
import type { Comparison, Filter } from "./parse-filter.ts";

/** A comparison that an index answers with the sequences of artifacts, each once. */
export type Selection = {
  readonly sequences: RawBuilder<{ sequence: number }>;
  /** They are few enough to be looked at all at once. */
  readonly few: boolean;
};

/** More are not counted. */
const FEW = 2000;

/** Of the comparisons that all artifacts have to fulfil, the one that fewest do: the others need not be looked at. */
export async function selectBy(
  { query }: Pick<CatalogDatabase, "query">,
  filter: Filter | undefined,
  parents: Parents,
): Promise<Selection | undefined> {
  let best: { sequences: RawBuilder<{ sequence: number }>; count: number } | undefined;
  for (const comparison of requiredOf(filter)) {
    const sequences = sequencesOf(comparison, parents);
    if (sequences === undefined) continue;
    const { rows } = await sql<{ count: number }>`select count(*) as count from (${sequences} limit ${FEW + 1})`.execute(query);
    const { count } = rows[0]!;
    if (best === undefined || count < best.count) best = { sequences, count };
  }
  return best && { sequences: best.sequences, few: best.count <= FEW };
}

function requiredOf(filter: Filter | undefined): readonly Comparison[] {
  if (filter?.is === "comparison") return [filter];
  return filter?.is === "and" ? filter.terms.filter((term) => term.is === "comparison") : [];
}

function sequencesOf(
  { field: { name, type }, comparator, value }: Comparison,
  parents: Parents,
): RawBuilder<{ sequence: number }> | undefined {
  if (comparator !== "=") return undefined;
  switch (type) {
    case "kind":
      return sql`select sequence from artifact where kind = ${value}`;
    case "text": {
      const text = storedText(name, value);
      // Of what begins with something an artifact may say several things.
      const each = text.endsWith("*") ? sql`distinct artifact` : sql`artifact`;
      return sql`select ${each} as sequence from artifact_fact where field = ${name} and ${textMatches(sql`value`, "=", text)}`;
    }
    case "artifact":
      return sql`select distinct artifact as sequence from artifact_input where input = ${parents.get(value)}`;
    case "name":
      return sql`
        select sequence from artifact where digest in (select digest from ref where ${textMatches(sql`name`, "=", value)})
        union select artifact from tag where artifact is not null and ${textMatches(sql`name`, "=", value)}`;
    default:
      return undefined;
  }
}
