import { type Kysely, sql, type Transaction } from "kysely";
import { createOutbox, event, type Outbox } from "#libs/bus";
import { createBatcher, openDatabase } from "#libs/storage";
import { jobFinished, workTopics } from "#libs/topics";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type AttemptRecord, type EndedAttempt, endedAttempts } from "./attempts.ts";
import { type JobEvent, type JobRecord, type JobStateName, next, type Refusal } from "./job.ts";
import { changesOf, type JobRow, type JobTables, migrations, routesOf, toAttempt, toRecord, toRow } from "./tables.ts";

/** A change of a job: before and after. `refused` if the event did not apply, and then nothing was written. */
export type Change = {
  readonly before: JobRecord;
  readonly job: JobRecord;
  readonly changed: boolean;
  /** The attempts that have ended by it. */
  readonly ended: readonly EndedAttempt[];
  readonly refused?: Refusal;
};

/** The jobs that wait for a device. */
export type QueueStats = { readonly device: string; readonly queued: number; readonly oldestAgeMs: number };

/** Jobs on the disk. Every change is one transaction, with the events that tell of it. */
export type JobStore = {
  readonly outbox: Outbox<JobTables>;
  /** Adds a job for a run, or the run to the job that there is, and applies the event to that. */
  submit(job: JobRecord, runId: string, event: JobEvent): Promise<Change>;
  /** Applies an event; undefined if there is no such job. */
  apply(id: string, event: JobEvent): Promise<Change | undefined>;
  get(id: string): Promise<JobRecord | undefined>;
  /** Jobs in the order of submission, after a position; of one run, or all. */
  list(
    filter: { readonly runId?: string; readonly states?: readonly JobStateName[] },
    limit: number,
    after: number,
  ): Promise<{ readonly job: JobRecord; readonly position: number }[]>;
  /** Of these jobs, those of a run, or all. */
  some(ids: readonly string[], runId: string | undefined): Promise<JobRecord[]>;
  /** Jobs that have ended and whose checkpoints are still pinned. */
  endedAndPinned(limit: number): Promise<string[]>;
  /** Says that a run does not need these of its jobs (empty: any) and returns those that no run needs any more. */
  release(runId: string, ids: readonly string[]): Promise<string[]>;
  /** Notes where an attempt began in truth, and why there. */
  skipped(id: string, attempt: number, began: { readonly fromStep: number; readonly reason: string }): Promise<void>;
  /** The newest attempts of a job, oldest first. */
  attempts(id: string, limit: number): Promise<AttemptRecord[]>;
  /** Attempts that run, each with its job and the id of its trainer; "" where that has none. */
  running(): Promise<{ readonly job: JobRecord; readonly attempt: number; readonly trainerId: string }[]>;
  /** How many jobs wait for each device, and for how long the oldest of them. */
  queueStats(): Promise<QueueStats[]>;
  /** Publishes an offer of every queued job whose last one is from before a time: those that were published by then may all be gone. */
  offerAll(beforeMs: number): Promise<void>;
  /** Whether there are offers that nobody took for so long that they may be lost. */
  hasOldOffers(): Promise<boolean>;
  /**
   * How many jobs are queued or run, by the subjects of their offers. One of several engines counts at each while it is queued, and at none
   * while it runs: which of its messages are settled by then, nobody knows.
   */
  openBySubject(): Promise<ReadonlyMap<string, number>>;
  /** Publishes the old offers again, on those of their subjects where they may be lost. Each time it waits twice as long. */
  offerAgain(mayBeLost: (subject: string) => boolean): Promise<void>;
  /** Rejects with the reason while the database is not usable. */
  check(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const finalStates: { readonly [S in JobStateName]?: JobState } = {
  succeeded: JobState.SUCCEEDED,
  failed: JobState.FAILED,
  cancelled: JobState.CANCELLED,
};

/** An offer that nobody took for so long may be lost. Publishing it twice costs one refused BeginAttempt. */
const FIRST_OFFER_WAIT_MS = 60_000;
const LAST_OFFER_WAIT_MS = 3_600_000;

const OFFER_PAGE = 200;
const RELEASE_PAGE = 1000;

/** What an offer is made of; not the recipe, which may be long. */
const offeredColumns = [
  "sequence",
  "id",
  "recipe_key",
  "device",
  "backend",
  "backends",
  "memory_mib",
  "offers",
  "offered_at_ms",
  "offer_wait_ms",
] as const;
type OfferedRow = Pick<JobRow, (typeof offeredColumns)[number]>;

/** Opens the jobs at `path`. `now`: milliseconds since 1970. */
export async function openJobStore(path: string, now: () => number): Promise<JobStore> {
  const database = await openDatabase<JobTables>({ path, migrations });
  const outbox = createOutbox(database);
  // Many trainers begin and complete at once: they share a wait for the disk.
  const write = createBatcher(database);

  // As text: building it anew for every call of a trainer costs more than running it.
  const find = async (query: Kysely<JobTables>, id: string) =>
    (await sql<JobRow>`select * from jobs where id = ${id}`.execute(query)).rows[0];

  const offer = async (tx: Transaction<JobTables>, row: OfferedRow, waitMs: number, topics = workTopics(routesOf(row))) => {
    const { id, recipe_key, offers } = row;
    const offered = { offers: offers + 1, offered_at_ms: now(), offer_wait_ms: waitMs };
    await tx.updateTable("jobs").set(offered).where("id", "=", id).execute();
    const offer = `${id}/offer/${offers + 1}`;
    for (const [i, topic] of topics.entries())
      await outbox.add(tx, event(topic, i === 0 ? offer : `${offer}/${i + 1}`, { jobId: id, recipeKey: recipe_key }));
  };

  const insert = (tx: Transaction<JobTables>, job: JobRecord): Promise<JobRow> => {
    const row = { ...toRow(job), offers: 0, offered_at_ms: 0, offer_wait_ms: 0 };
    return tx.insertInto("jobs").values(row).returningAll().executeTakeFirstOrThrow();
  };

  /** The events that tell of a job's new state. */
  const tell = async (tx: Transaction<JobTables>, job: JobRecord, row: JobRow) => {
    if (job.state === "queued") return offer(tx, row, FIRST_OFFER_WAIT_MS);
    const state = finalStates[job.state];
    if (state === undefined) return;
    const told = { jobId: job.id, recipeKey: job.recipeKey, state, artifact: job.artifact, error: job.error };
    await outbox.add(tx, event(jobFinished, `${job.id}/finished/${job.finishedAtMs}/${job.attempt}`, told));
  };

  const change = async (tx: Transaction<JobTables>, row: JobRow, jobEvent: JobEvent): Promise<Change> => {
    const before = toRecord(row);
    const transition = next(before, jobEvent);
    if ("refused" in transition) return { before, job: before, changed: false, ended: [], refused: transition.refused };
    const { job } = transition;
    if (job === before) return { before, job, changed: false, ended: [] };
    const changes = changesOf(row, job);
    if (Object.keys(changes).length > 0) await tx.updateTable("jobs").set(changes).where("id", "=", job.id).execute();
    if (jobEvent.type === "begun") {
      const { trainerId = "", environment = {} } = jobEvent.where ?? {};
      const began = {
        number: job.attempt,
        trainer: job.trainer,
        began_at_ms: jobEvent.atMs,
        ended_at_ms: 0,
        from_step: job.checkpointStep,
        trainer_id: trainerId,
        environment: JSON.stringify(environment),
      };
      await tx
        .insertInto("attempts")
        .values({ job_id: job.id, ...began, outcome: "", error: "", skipped: "" })
        .execute();
    }
    const ended = endedAttempts(before, jobEvent, job);
    for (const { number, ...end } of ended) {
      const own = tx.updateTable("attempts").set({ ...end, ended_at_ms: sql<number>`max(began_at_ms, ${now()})` });
      await own.where("job_id", "=", job.id).where("number", "=", number).execute();
    }
    const isMoved = job.state === "queued" && job.needs !== before.needs;
    if (before.state !== job.state || isMoved) await tell(tx, job, { ...row, ...toRow(job) });
    return { before, job, changed: true, ended };
  };

  /** Does something for every queued job, some at a time, so that others have their turns. */
  const eachQueued = async (work: (tx: Transaction<JobTables>, row: OfferedRow) => Promise<void>): Promise<void> => {
    for (let after = 0; ; ) {
      const rows = await database.transaction(async (tx) => {
        const queued = tx.selectFrom("jobs").select(offeredColumns).where("state", "=", "queued").where("sequence", ">", after);
        const page = await queued.orderBy("sequence").limit(OFFER_PAGE).execute();
        for (const row of page) await work(tx, row);
        return page;
      });
      const last = rows.at(-1);
      if (rows.length < OFFER_PAGE || !last) return;
      after = last.sequence;
    }
  };

  return {
    outbox,
    submit: (job, runId, jobEvent) =>
      write(async (tx) => {
        const known = await find(tx, job.id);
        const row = known ?? (await insert(tx, job));
        await tx
          .insertInto("job_runs")
          .values({ job_id: job.id, run_id: runId, needed: 1 })
          .onConflict((conflict) => conflict.doUpdateSet({ needed: 1 }))
          .execute();
        if (known) return change(tx, known, jobEvent);
        await tell(tx, job, row);
        return { before: job, job, changed: true, ended: [] };
      }),
    apply: (id, jobEvent) =>
      write(async (tx) => {
        const row = await find(tx, id);
        return row && change(tx, row, jobEvent);
      }),
    async get(id) {
      const row = await find(database.query, id);
      return row && toRecord(row);
    },
    async list({ runId, states }, limit, after) {
      let query = database.query.selectFrom("jobs").selectAll("jobs").where("sequence", ">", after).orderBy("sequence").limit(limit);
      if (states) query = query.where("state", "in", states);
      if (runId !== undefined) {
        query = query.where("id", "in", (sub) => sub.selectFrom("job_runs").select("job_id").where("run_id", "=", runId));
      }
      const rows = await query.execute();
      return rows.map((row) => ({ job: toRecord(row), position: row.sequence }));
    },
    async some(ids, runId) {
      let query = database.query.selectFrom("jobs").selectAll("jobs").where("id", "in", ids);
      if (runId !== undefined)
        query = query.where("id", "in", (sub) => sub.selectFrom("job_runs").select("job_id").where("run_id", "=", runId));
      return (await query.execute()).map(toRecord);
    },
    async endedAndPinned(limit) {
      const ended = database.query
        .selectFrom("jobs")
        .select("id")
        .where("pinned", "=", 1)
        .where("state", "in", ["succeeded", "failed", "cancelled"]);
      return (await ended.limit(limit).execute()).map(({ id }) => id);
    },
    release: (runId, ids) =>
      database.transaction(async (tx) => {
        const asked = ids.length > 0 ? new Set(ids) : undefined;
        const own = await tx.selectFrom("job_runs").select("job_id").where("run_id", "=", runId).where("needed", "=", 1).execute();
        const released = own.map(({ job_id }) => job_id).filter((id) => asked?.has(id) ?? true);
        const free: string[] = [];
        // SQLite takes 32,766 values in a statement.
        for (let start = 0; start < released.length; start += RELEASE_PAGE) {
          const page = released.slice(start, start + RELEASE_PAGE);
          await tx.updateTable("job_runs").set({ needed: 0 }).where("run_id", "=", runId).where("job_id", "in", page).execute();
          const needed = await tx.selectFrom("job_runs").select("job_id").where("job_id", "in", page).where("needed", "=", 1).execute();
          const kept = new Set(needed.map(({ job_id }) => job_id));
          free.push(...page.filter((id) => !kept.has(id)));
        }
        return free;
      }),
    skipped: (id, attempt, { fromStep, reason }) =>
      write(async (tx) => {
        const began = { from_step: fromStep, skipped: reason };
        await tx.updateTable("attempts").set(began).where("job_id", "=", id).where("number", "=", attempt).execute();
      }),
    async attempts(id, limit) {
      const newest = database.query.selectFrom("attempts").selectAll().where("job_id", "=", id).orderBy("number", "desc").limit(limit);
      return (await newest.execute()).map(toAttempt).reverse();
    },
    async running() {
      const rows = await database.query
        .selectFrom("jobs")
        .innerJoin("attempts", "attempts.job_id", "jobs.id")
        .selectAll("jobs")
        .select(["attempts.trainer_id", "attempts.number"])
        .where("jobs.state", "=", "running")
        .where("attempts.outcome", "=", "")
        .execute();
      return rows.map((row) => ({ job: toRecord(row), attempt: row.number, trainerId: row.trainer_id }));
    },
    async queueStats() {
      const { countAll, min } = database.query.fn;
      const waiting = database.query
        .selectFrom("jobs")
        .where("state", "=", "queued")
        .groupBy("device")
        .select(["device", countAll<number>().as("queued"), min("submitted_at_ms").as("oldest")]);
      return (await waiting.execute()).map(({ device, queued, oldest }) => {
        return { device, queued, oldestAgeMs: Math.max(0, now() - oldest) };
      });
    },
    offerAll: (beforeMs) =>
      eachQueued(async (tx, row) => {
        if (row.offered_at_ms < beforeMs) await offer(tx, row, FIRST_OFFER_WAIT_MS);
      }),
    async hasOldOffers() {
      const { rows } = await sql`select 1 from jobs where state = 'queued'
        and (offered_at_ms > ${now()} or offered_at_ms + offer_wait_ms <= ${now()}) limit 1`.execute(database.query);
      return rows.length > 0;
    },
    async openBySubject() {
      const routes = ["device", "backend", "backends", "memory_mib"] as const;
      const open = database.query.selectFrom("jobs").select(routes).select(database.query.fn.countAll<number>().as("jobs"));
      const queuedOrOne = open.where((eb) =>
        eb.or([eb("state", "=", "queued"), eb.and([eb("state", "=", "running"), eb("backends", "=", "")])]),
      );
      const counted = await queuedOrOne.groupBy(routes).execute();
      const bySubject = new Map<string, number>();
      for (const { jobs, ...row } of counted)
        for (const { subject } of workTopics(routesOf(row))) bySubject.set(subject, (bySubject.get(subject) ?? 0) + jobs);
      return bySubject;
    },
    offerAgain: (mayBeLost) =>
      eachQueued(async (tx, row) => {
        const waitedMs = now() - row.offered_at_ms;
        // Less than nothing: the clock was set back, and nobody can tell how long it was.
        if (waitedMs >= 0 && waitedMs < row.offer_wait_ms) return;
        const topics = workTopics(routesOf(row)).filter(({ subject }) => mayBeLost(subject));
        await offer(tx, row, Math.min(2 * row.offer_wait_ms, LAST_OFFER_WAIT_MS), topics);
      }),
    check: () => database.check(),
    async [Symbol.asyncDispose]() {
      await write.idle();
      await database[Symbol.asyncDispose]();
    },
  };
}
