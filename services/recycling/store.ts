import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { createOutbox, event, type Outbox, type OutboxTables, outboxMigration } from "#libs/bus";
import { type Database, openDatabase, sqlMigration } from "#libs/storage";
import { runFinished } from "#libs/topics";
import { type Run, RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";

type Tables = OutboxTables & {
  runs: { id: string; run: string; wall_ms: number; position: number | null };
  work: { run_id: string; node: string; stage: string; cpu_ms: number };
};

/** CPU time that one node of a run took, in milliseconds. */
export type WorkDone = { readonly node: string; readonly stage: string; readonly cpuMs: number };

/** The runs that there are. What they have made is in the catalog. */
export type RunStore = {
  /** Writes a run; when it ends, the event about it goes into the same transaction. */
  save(run: Run, ended: boolean): Promise<void>;
  get(id: string): Promise<Run | undefined>;
  /** Newest first. `before` is the position of the last run of the page before. */
  list(limit: number, before?: number): Promise<{ readonly run: Run; readonly position: number }[]>;
  addWork(runId: string, work: WorkDone): Promise<void>;
  addWallTime(runId: string, wallMs: number): Promise<void>;
  /** What a run cost over all its starts. */
  cost(runId: string): Promise<{ readonly wallMs: number; readonly work: readonly WorkDone[] }>;
  readonly outbox: Outbox<Tables>;
  [Symbol.asyncDispose](): Promise<void>;
};

const migrations = [
  sqlMigration(
    "runs",
    "create table runs (id text primary key, run text not null, wall_ms integer not null default 0, position integer) strict",
    `create table work (run_id text not null references runs (id), node text not null, stage text not null, cpu_ms integer not null,
       primary key (run_id, node)) strict`,
  ),
  outboxMigration,
];

/** Opens the database of runs at `path`. */
export async function openRunStore(path: string): Promise<RunStore> {
  const database: Database<Tables> = await openDatabase<Tables>({ path, migrations });
  const outbox = createOutbox(database);
  const parse = (text: string) => fromJsonString(RunSchema, text);
  return {
    outbox,
    async save(run, ended) {
      await database.transaction(async (tx) => {
        const text = toJsonString(RunSchema, run);
        const last = await tx
          .selectFrom("runs")
          .select(({ fn }) => fn.max("position").as("position"))
          .executeTakeFirst();
        const position = (last?.position ?? 0) + 1;
        await tx
          .insertInto("runs")
          .values({ id: run.id, run: text, wall_ms: 0, position })
          .onConflict((conflict) => conflict.column("id").doUpdateSet({ run: text }))
          .execute();
        if (ended) {
          const id = `${run.id}/${run.finishedAtMs}`;
          await outbox.add(tx, event(runFinished, id, { runId: run.id, succeeded: run.state === RunState.SUCCEEDED }));
        }
      });
    },
    async get(id) {
      const row = await database.query.selectFrom("runs").select("run").where("id", "=", id).executeTakeFirst();
      return row && parse(row.run);
    },
    async list(limit, before) {
      let query = database.query.selectFrom("runs").select(["run", "position"]).orderBy("position", "desc").limit(limit);
      if (before !== undefined) query = query.where("position", "<", before);
      const rows = await query.execute();
      return rows.map(({ run, position }) => ({ run: parse(run), position: position ?? 0 }));
    },
    async addWork(runId, { node, stage, cpuMs }) {
      await database.query
        .insertInto("work")
        .values({ run_id: runId, node, stage, cpu_ms: Math.round(cpuMs) })
        .onConflict((conflict) => conflict.columns(["run_id", "node"]).doUpdateSet({ cpu_ms: Math.round(cpuMs) }))
        .execute();
    },
    async addWallTime(runId, wallMs) {
      await database.query
        .updateTable("runs")
        .set(({ eb }) => ({ wall_ms: eb("wall_ms", "+", Math.round(wallMs)) }))
        .where("id", "=", runId)
        .execute();
    },
    async cost(runId) {
      const row = await database.query.selectFrom("runs").select("wall_ms").where("id", "=", runId).executeTakeFirst();
      const work = await database.query.selectFrom("work").selectAll().where("run_id", "=", runId).execute();
      return { wallMs: row?.wall_ms ?? 0, work: work.map(({ node, stage, cpu_ms }) => ({ node, stage, cpuMs: cpu_ms })) };
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
