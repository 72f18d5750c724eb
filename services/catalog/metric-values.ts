import { sql } from "kysely";
import type { CatalogDatabase } from "./store/tables.ts";

/** A metric of an artifact: the value of its newest measurement. */
export type MetricValue = { readonly name: string; readonly value: number };

/** The metrics of artifacts, by sequence, each in the order of names. */
export async function metricsOf({ query }: CatalogDatabase, sequences: readonly number[]): Promise<Map<number, MetricValue[]>> {
  // SQLite gives the value of the row that has the maximum: https://sqlite.org/lang_select.html#bareagg
  const { rows } = await sql<{ artifact: number; name: string; value: number }>`
    select artifact, name, value, max(source) from artifact_metric where artifact in (select value from json_each(${JSON.stringify(sequences)}))
    group by artifact, name order by artifact, name`.execute(query);
  const found = new Map<number, MetricValue[]>();
  for (const { artifact, name, value } of rows) {
    const metrics = found.get(artifact);
    if (metrics === undefined) found.set(artifact, [{ name, value }]);
    else metrics.push({ name, value });
  }
  return found;
}

/** What the configs of models call them, by sequence. */
export async function architecturesOf({ query }: CatalogDatabase, sequences: readonly number[]): Promise<Map<number, string>> {
  const rows = await query
    .selectFrom("artifact_fact")
    .select(["artifact", "value"])
    .where("field", "=", "architecture")
    .where("artifact", "in", sql<number>`(select value from json_each(${JSON.stringify(sequences)}))`)
    .orderBy("value", "desc")
    .execute();
  return new Map(rows.map(({ artifact, value }) => [artifact, value]));
}
