import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { openDatabase } from "#libs/storage";
import { temporaryDirectory } from "#libs/testing";
import { openJobStore } from "./store.ts";
import { type JobTables, migrations } from "./tables.ts";

/** More than SQLite takes values in one statement. */
const MANY = 33_000;

test("a run of very many jobs lets go of some of them, and of all, except what another run needs", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("finetune.sqlite");
  await using store = await openJobStore(path, Date.now);
  {
    await using database = await openDatabase<JobTables>({ path, migrations });
    const numbers = sql`with recursive n (i) as (select 0 union all select i + 1 from n where i < ${MANY - 1})`;
    await database.transaction(async (tx) => {
      await sql`insert into jobs (id, recipe_key, recipe, device, label, reproduce, state, attempt, failures, losses, offers, offered_at_ms,
        offer_wait_ms, trainer, checkpoint, checkpoint_step, pinned, artifact, error, submitted_at_ms, started_at_ms, finished_at_ms, cpu_ms)
        ${numbers} select 'job-' || i, '', '{}', 'cpu', '', 0, 'queued', 0, 0, 0, 0, 0, 0, '', '', 0, 0, '', '', 1, 0, 0, 0 from n`.execute(
        tx,
      );
      await sql`insert into job_runs (job_id, run_id, needed) select id, 'large', 1 from jobs`.execute(tx);
      await sql`insert into job_runs (job_id, run_id, needed) values ('job-7', 'other', 1)`.execute(tx);
    });
  }
  const ids = Array.from({ length: MANY }, (_, i) => `job-${i}`);
  assert.deepEqual(await store.release("large", ["job-1", "job-7", "job-nowhere"]), ["job-1"]);
  const rest = ids.filter((id) => id !== "job-1" && id !== "job-7");
  assert.deepEqual((await store.release("large", ids.slice(0, 32_900))).length, 32_898);
  assert.deepEqual((await store.release("large", [])).sort(), rest.slice(32_898).sort());
  assert.deepEqual(await store.release("large", []), []);
});
