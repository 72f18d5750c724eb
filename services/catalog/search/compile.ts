import { type RawBuilder, sql } from "kysely";
import { type Comparator, numberOf, storedText, timeOf, WORD_FIELDS } from "./fields.ts";
import type { Comparison, Filter } from "./parse-filter.ts";

/** The artifacts that comparisons with `parent` name, by what stands in the filter. */
export type Parents = ReadonlyMap<string, number>;

/** The condition of a filter on a row of `artifact`: looks into indexes, each by the sequence or the digest of that row. */
export function conditionOf(filter: Filter, parents: Parents): RawBuilder<unknown> {
  switch (filter.is) {
    case "not":
      return sql`not (${conditionOf(filter.term, parents)})`;
    case "and":
    case "or": {
      const terms = filter.terms.map((term) => sql`(${conditionOf(term, parents)})`);
      return sql.join(terms, filter.is === "and" ? sql` and ` : sql` or `);
    }
    case "word":
      return sql`(${anyName(sql`instr(lower(name), lower(${filter.word})) > 0`)} or ${anyFact(
        sql`field in (${sql.join(WORD_FIELDS)}) and instr(lower(value), lower(${filter.word})) > 0`,
      )})`;
    case "comparison":
      // What has none of a kind is not equal to it: `licence != MIT` finds also what states no licence.
      return filter.comparator === "!=" ? sql`not (${compare({ ...filter, comparator: "=" }, parents)})` : compare(filter, parents);
  }
}

function compare({ field: { name, type }, comparator, value }: Comparison, parents: Parents): RawBuilder<unknown> {
  switch (type) {
    case "name":
      return anyName(textMatches(sql`name`, comparator, value));
    case "text":
      return anyFact(sql`field = ${name} and ${textMatches(sql`value`, comparator, storedText(name, value))}`);
    case "kind":
      return sql`kind = ${value}`;
    case "flag":
      return sql`${sql.ref(name)} = ${value === "true" ? 1 : 0}`;
    case "number":
      return sql`size_bytes ${sql.raw(comparator)} ${numberOf(value)}`;
    case "time":
      return sql`touched_at ${sql.raw(comparator)} ${timeOf(value)}`;
    case "metric":
      // "+" keeps SQLite from walking through all artifacts with such a value, for each artifact anew.
      return sql`exists (select 1 from artifact_metric where artifact_metric.artifact = artifact.sequence
        and name = ${metricOf(name)} and +value ${sql.raw(comparator)} ${numberOf(value)})`;
    case "artifact":
      return sql`exists (select 1 from artifact_input where artifact_input.artifact = artifact.sequence and input = ${parents.get(value)})`;
  }
}

/** The name of a metric in the name of its field. */
function metricOf(field: string): string {
  return field.slice("metric.".length);
}

/** `=` with a "*" at the end of the value: what begins so. */
export function textMatches(column: RawBuilder<unknown>, comparator: Comparator, value: string): RawBuilder<unknown> {
  if (comparator === ":") return sql`instr(lower(${column}), lower(${value})) > 0`;
  if (!value.endsWith("*")) return sql`${column} = ${value}`;
  const beginning = value.slice(0, -1);
  return sql`${column} >= ${beginning} and ${column} < ${`${beginning}\u{10ffff}`}`;
}

function anyFact(condition: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (select 1 from artifact_fact where artifact_fact.artifact = artifact.sequence and ${condition})`;
}

/** Refs that point to it now, and tags. */
function anyName(condition: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(exists (select 1 from ref where ref.digest = artifact.digest and ${condition})
    or exists (select 1 from tag where tag.artifact = artifact.sequence and ${condition}))`;
}
