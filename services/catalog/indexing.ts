import { sql, type Transaction } from "kysely";
import { giveWay } from "#libs/concurrency";
import type { BlobStore } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { FACTS_VERSION, type Facts, readFacts } from "./facts.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** Artifacts whose facts are written in one transaction. */
const BATCH = 200;
/** Annotations that say what the field of the same name says. */
const ALSO_FIELDS = ["task", "domain"];

/** Writes what an artifact is searched by, in place of what was there. */
export async function indexArtifact(tx: Transaction<CatalogTables>, artifact: number, { texts, metrics }: Facts): Promise<void> {
  await tx.deleteFrom("artifact_fact").where("artifact", "=", artifact).execute();
  await tx.deleteFrom("artifact_metric").where("source", "=", artifact).execute();
  await sql`
    insert or ignore into artifact_fact (field, value, artifact)
    select value ->> 0, value ->> 1, ${artifact} from json_each(${JSON.stringify(texts)})
    union all select 'annotation.' || name, value, artifact from annotation where artifact = ${artifact}
    union all select name, value, artifact from annotation where artifact = ${artifact} and name in (${sql.join(ALSO_FIELDS)})`.execute(tx);
  for (const { of, name, value } of metrics) {
    // What is said of a prediction is said of its model too, where it is that of one alone.
    const measured =
      of === undefined
        ? sql`select ${artifact} as artifact`
        : sql`
      select sequence as artifact from artifact where digest = ${of}
      union select input from artifact_input join artifact on artifact.sequence = artifact_input.artifact
      where artifact.digest = ${of} and artifact.kind = 'prediction' and role = 'models'
      group by artifact.digest having count(*) = 1`;
    await sql`
      insert into artifact_metric (artifact, name, value, source)
      select artifact, ${name}, ${value}, ${artifact} from (${measured}) where true
      on conflict do update set value = excluded.value`.execute(tx);
  }
  await tx.updateTable("artifact").set({ indexed: FACTS_VERSION }).where("sequence", "=", artifact).execute();
}

/** Takes the facts of artifacts that an earlier version has published. A process killed in between goes on with the rest. */
export async function indexAll({ database, store, log }: { database: CatalogDatabase; store: BlobStore; log: Logger }): Promise<void> {
  for (let done = 0; ; ) {
    const rows = await database.query
      .selectFrom("artifact")
      .select(["sequence", "manifest"])
      .where("indexed", "<", FACTS_VERSION)
      .orderBy("indexed")
      .limit(BATCH)
      .execute();
    if (rows.length === 0) {
      if (done > 0) log.info({ artifacts: done }, "artifacts indexed for search");
      return;
    }
    const found = await Promise.all(rows.map(async ({ sequence, manifest }) => ({ sequence, facts: await readFacts(manifest, store) })));
    await database.transaction(
      async (tx) => {
        for (const { sequence, facts } of found) await indexArtifact(tx, sequence, facts);
      },
      { sync: false },
    );
    done += rows.length;
    await giveWay();
  }
}
