import type { Generated, Transaction } from "kysely";
import { createOutbox, event, type Outbox, type OutboxTables, outboxMigration } from "#libs/bus";
import type { ProcessUsage } from "#libs/reporting";
import { type Database, openDatabase, sqlMigration } from "#libs/storage";
import { runFinished, runStarted } from "#libs/topics";
import { type Run, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { readRun, runText } from "./stored-run.ts";

type Tables = OutboxTables & {
  runs: { id: string; run: string; wall_ms: number; position: number | null };
  work: { run_id: string; node: string; stage: string; cpu_ms: number };
  failures: { run_id: string; node: string; error: string };
  usage: ProcessUsageRow & { run_id: string; position: Generated<number> };
  reproductions: { id: string };
};

type ProcessUsageRow = {
  process: string;
  peak_memory_bytes: number;
  received_bytes: number;
  sent_bytes: number;
  downloaded_bytes: number;
  uploaded_bytes: number;
};

/** CPU time that one node of a run took, in milliseconds. */
export type WorkDone = { readonly node: string; readonly stage: string; readonly cpuMs: number };

/** What a run cost over all its starts; processes in the order in which they were first heard of. */
export type RunCost = { readonly wallMs: number; readonly work: readonly WorkDone[]; readonly processes: readonly ProcessUsage[] };

/** The runs that there are. What they have made is in the catalog. */
export type RunStore = {
  /** Writes a run that begins, and the event about it: nothing has failed yet. */
  begin(run: Run): Promise<void>;
  /** Writes a run; when it ends, the event about it goes into the same transaction. */
  save(run: Run, ended: boolean): Promise<void>;
  /** Forgets a run and all that is known about it. */
  delete(id: string): Promise<void>;
  get(id: string): Promise<Run | undefined>;
  /** Newest first. `before` is the position of the last run of the page before. */
  list(limit: number, before?: number): Promise<{ readonly run: Run; readonly position: number }[]>;
  addWork(runId: string, work: WorkDone): Promise<void>;
  /** A node failed and the run goes on without it. */
  addFailure(runId: string, node: string, error: string): Promise<void>;
  /** Errors of the nodes that failed, by node. */
  failures(runId: string): Promise<ReadonlyMap<string, string>>;
  addWallTime(runId: string, wallMs: number): Promise<void>;
  /** What processes used for a run: of each the largest memory stays, bytes are added to those of earlier. */
  addUsage(runId: string, usages: readonly ProcessUsage[]): Promise<void>;
  /** What a run cost over all its starts. */
  cost(runId: string): Promise<RunCost>;
  /** A reproduction has jobs, under its id as that of a run, until it is forgotten. */
  addReproduction(id: string): Promise<void>;
  reproductions(): Promise<string[]>;
  forgetReproduction(id: string): Promise<void>;
  readonly outbox: Outbox<Tables>;
  /** Rejects with the reason while the database is not usable. */
  check(): Promise<void>;
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
  sqlMigration(
    "failures and reproductions",
    `create table failures (run_id text not null references runs (id), node text not null, error text not null,
       primary key (run_id, node)) strict`,
    "create table reproductions (id text primary key) strict",
  ),
  sqlMigration(
    "usage",
    `create table usage (position integer primary key autoincrement, run_id text not null references runs (id), process text not null,
       peak_memory_bytes integer not null, received_bytes integer not null, sent_bytes integer not null, downloaded_bytes integer not null,
       uploaded_bytes integer not null, unique (run_id, process)) strict`,
  ),
];

/** Opens the database of runs at `path`. */
export async function openRunStore(path: string): Promise<RunStore> {
  const database: Database<Tables> = await openDatabase<Tables>({ path, migrations });
  const outbox = createOutbox(database);
  const parse = (row: { id: string; run: string; wall_ms: number }): Run => ({
    ...readRun(row.id, row.run),
    workedMs: BigInt(row.wall_ms),
  });

  const write = async (tx: Transaction<Tables>, run: Run) => {
    const text = runText(run);
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
  };

  return {
    outbox,
    async begin(run) {
      await database.transaction(async (tx) => {
        await write(tx, run);
        await tx.deleteFrom("failures").where("run_id", "=", run.id).execute();
        await outbox.add(tx, event(runStarted, `${run.id}/started/${run.startedAtMs}`, { runId: run.id, name: run.spec?.name ?? "" }));
      });
    },
    async delete(id) {
      await database.transaction(async (tx) => {
        await tx.deleteFrom("failures").where("run_id", "=", id).execute();
        await tx.deleteFrom("work").where("run_id", "=", id).execute();
        await tx.deleteFrom("usage").where("run_id", "=", id).execute();
        await tx.deleteFrom("runs").where("id", "=", id).execute();
      });
    },
    async save(run, ended) {
      await database.transaction(async (tx) => {
        await write(tx, run);
        if (ended) {
          const id = `${run.id}/${run.finishedAtMs}`;
          await outbox.add(tx, event(runFinished, id, { runId: run.id, succeeded: run.state === RunState.SUCCEEDED }));
        }
      });
    },
    async get(id) {
      const row = await database.query.selectFrom("runs").select(["id", "run", "wall_ms"]).where("id", "=", id).executeTakeFirst();
      return row && parse(row);
    },
    async list(limit, before) {
      let query = database.query.selectFrom("runs").select(["id", "run", "wall_ms", "position"]).orderBy("position", "desc").limit(limit);
      if (before !== undefined) query = query.where("position", "<", before);
      const rows = await query.execute();
      return rows.map((row) => ({ run: parse(row), position: row.position ?? 0 }));
    },
    async addWork(runId, { node, stage, cpuMs }) {
      // The end of the run brings it to the disk.
      await database.withoutSync((query) =>
        query
          .insertInto("work")
          .values({ run_id: runId, node, stage, cpu_ms: Math.round(cpuMs) })
          .onConflict((conflict) => conflict.columns(["run_id", "node"]).doUpdateSet({ cpu_ms: Math.round(cpuMs) }))
          .execute(),
      );
    },
    async addFailure(runId, node, error) {
      await database.query
        .insertInto("failures")
        .values({ run_id: runId, node, error })
        .onConflict((conflict) => conflict.columns(["run_id", "node"]).doUpdateSet({ error }))
        .execute();
    },
    async failures(runId) {
      const rows = await database.query.selectFrom("failures").selectAll().where("run_id", "=", runId).execute();
      return new Map(rows.map(({ node, error }) => [node, error]));
    },
    async addReproduction(id) {
      await database.query.insertInto("reproductions").values({ id }).execute();
    },
    async reproductions() {
      return (await database.query.selectFrom("reproductions").select("id").execute()).map(({ id }) => id);
    },
    async forgetReproduction(id) {
      await database.query.deleteFrom("reproductions").where("id", "=", id).execute();
    },
    async addWallTime(runId, wallMs) {
      await database.query
        .updateTable("runs")
        .set(({ eb }) => ({ wall_ms: eb("wall_ms", "+", Math.round(wallMs)) }))
        .where("id", "=", runId)
        .execute();
    },
    async addUsage(runId, usages) {
      await database.transaction(async (tx) => {
        for (const usage of usages) {
          await tx
            .insertInto("usage")
            .values({ run_id: runId, ...toUsageRow(usage) })
            .onConflict((conflict) =>
              conflict.columns(["run_id", "process"]).doUpdateSet(({ eb, ref, fn }) => ({
                peak_memory_bytes: fn<number>("max", [ref("usage.peak_memory_bytes"), ref("excluded.peak_memory_bytes")]),
                received_bytes: eb("usage.received_bytes", "+", ref("excluded.received_bytes")),
                sent_bytes: eb("usage.sent_bytes", "+", ref("excluded.sent_bytes")),
                downloaded_bytes: eb("usage.downloaded_bytes", "+", ref("excluded.downloaded_bytes")),
                uploaded_bytes: eb("usage.uploaded_bytes", "+", ref("excluded.uploaded_bytes")),
              })),
            )
            .execute();
        }
      });
    },
    async cost(runId) {
      const row = await database.query.selectFrom("runs").select("wall_ms").where("id", "=", runId).executeTakeFirst();
      const work = await database.query.selectFrom("work").selectAll().where("run_id", "=", runId).execute();
      const used = await database.query.selectFrom("usage").selectAll().where("run_id", "=", runId).orderBy("position").execute();
      return {
        wallMs: row?.wall_ms ?? 0,
        work: work.map(({ node, stage, cpu_ms }) => ({ node, stage, cpuMs: cpu_ms })),
        processes: used.map(fromUsageRow),
      };
    },
    check: () => database.check(),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

function toUsageRow(usage: ProcessUsage): ProcessUsageRow {
  return {
    process: usage.name,
    peak_memory_bytes: usage.peakMemoryBytes,
    received_bytes: usage.receivedBytes,
    sent_bytes: usage.sentBytes,
    downloaded_bytes: usage.downloadedBytes,
    uploaded_bytes: usage.uploadedBytes,
  };
}

function fromUsageRow(row: ProcessUsageRow): ProcessUsage {
  return {
    name: row.process,
    peakMemoryBytes: row.peak_memory_bytes,
    receivedBytes: row.received_bytes,
    sentBytes: row.sent_bytes,
    downloadedBytes: row.downloaded_bytes,
    uploadedBytes: row.uploaded_bytes,
  };
}
