import { sql, type Transaction } from "kysely";
import type { CatalogTables } from "./store/tables.ts";

/**
 * Marks what was made, itself or at a remove, of an artifact that is damaged and whose recipe has another one by now: it can be used, but
 * what it says it was made of cannot be had any more. Takes the mark away where that is no longer so. To be called whenever the artifact
 * that a recipe has becomes another one.
 */
export async function markStale(tx: Transaction<CatalogTables>, recipeKey: string): Promise<void> {
  await sql`
    with recursive
      lost (sequence) as (
        select sequence from artifact as it
        where damaged = 1 and exists (select 1 from artifact where recipe_key = it.recipe_key and damaged = 0)),
      tainted (sequence) as (
        select artifact from artifact_input where input in (select sequence from lost)
        union select artifact_input.artifact from artifact_input join tainted on artifact_input.input = tainted.sequence),
      affected (sequence) as (
        select artifact from artifact_input where input in (select sequence from artifact where recipe_key = ${recipeKey})
        union select artifact_input.artifact from artifact_input join affected on artifact_input.input = affected.sequence)
    update artifact set stale = sequence in (select sequence from tainted) where sequence in (select sequence from affected)`.execute(tx);
}
