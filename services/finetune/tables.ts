import type { Generated } from "kysely";
import { type OutboxTables, outboxMigration } from "#libs/bus";
import { sqlMigration } from "#libs/storage";
import type { Device, Needs } from "#libs/topics";
import type { AttemptOutcome, AttemptRecord } from "./attempts.ts";
import type { JobRecord, JobStateName } from "./job.ts";

/** A job as a row: what `JobRecord` says, and its offers. */
export type JobRow = {
  sequence: number;
  id: string;
  recipe_key: string;
  recipe: string;
  device: string;
  backend: string;
  /** JSON of several, of which that is the first; empty: that alone. */
  backends: string;
  memory_mib: number;
  network: string;
  accelerator_memory_mib: number;
  label: string;
  reproduce: number;
  state: JobStateName;
  attempt: number;
  /** JSON. */
  live: string;
  failures: number;
  losses: number;
  /** Offers so far, which makes their ids. */
  offers: number;
  /** When the newest offer was published. */
  offered_at_ms: number;
  /** Nobody took it for so long: it may be lost. */
  offer_wait_ms: number;
  trainer: string;
  checkpoint: string;
  checkpoint_step: number;
  checkpoint_format: string;
  checkpoint_before: string;
  pinned: number;
  artifact: string;
  summary: string;
  error: string;
  submitted_at_ms: number;
  started_at_ms: number;
  finished_at_ms: number;
  cpu_ms: number;
  /** JSON, or empty. */
  usage: string;
};

/** An attempt as a row. */
export type AttemptRow = {
  job_id: string;
  number: number;
  trainer: string;
  began_at_ms: number;
  ended_at_ms: number;
  outcome: AttemptOutcome;
  error: string;
  from_step: number;
  trainer_id: string;
  /** JSON. */
  environment: string;
  skipped: string;
};

/** The tables of the fine-tune service. */
export type JobTables = OutboxTables & {
  jobs: Omit<JobRow, "sequence"> & { sequence: Generated<number> };
  attempts: AttemptRow;
  job_runs: { job_id: string; run_id: string; needed: number };
};

/** All versions of the tables. */
export const migrations = [
  sqlMigration(
    "jobs",
    `create table jobs (sequence integer primary key autoincrement, id text not null unique, recipe_key text not null, recipe text not null,
       device text not null, label text not null, reproduce integer not null, state text not null,
       attempt integer not null, failures integer not null, losses integer not null, offers integer not null, offered_at_ms integer not null,
       offer_wait_ms integer not null, trainer text not null, checkpoint text not null, checkpoint_step integer not null,
       pinned integer not null, artifact text not null, error text not null, submitted_at_ms integer not null,
       started_at_ms integer not null, finished_at_ms integer not null, cpu_ms integer not null) strict`,
    "create index jobs_by_state on jobs (state)",
    "create index jobs_pinned on jobs (pinned, state)",
    `create table job_runs (job_id text not null references jobs (id), run_id text not null, needed integer not null,
       primary key (job_id, run_id)) strict`,
    "create index job_runs_by_run on job_runs (run_id)",
  ),
  outboxMigration,
  // What was queued before jobs had needs goes where all jobs went.
  sqlMigration(
    "needs",
    "alter table jobs add column backend text not null default 'wasm'",
    "alter table jobs add column memory_mib integer not null default 1024",
  ),
  sqlMigration(
    "attempts",
    `create table attempts (job_id text not null references jobs (id), number integer not null, trainer text not null,
       began_at_ms integer not null, ended_at_ms integer not null, outcome text not null, error text not null, from_step integer not null,
       primary key (job_id, number)) strict, without rowid`,
  ),
  sqlMigration(
    "capabilities",
    "alter table jobs add column network text not null default ''",
    "alter table jobs add column accelerator_memory_mib integer not null default 0",
    "alter table jobs add column checkpoint_format text not null default ''",
    "alter table jobs add column checkpoint_before text not null default ''",
    "alter table attempts add column trainer_id text not null default ''",
    "alter table attempts add column environment text not null default '{}'",
  ),
  sqlMigration("summaries", "alter table jobs add column summary text not null default ''"),
  sqlMigration("usage", "alter table jobs add column usage text not null default ''"),
  sqlMigration("skipped", "alter table attempts add column skipped text not null default ''"),
  sqlMigration("backends", "alter table jobs add column backends text not null default ''"),
  sqlMigration(
    "rivals",
    "alter table jobs add column live text not null default '[]'",
    "update jobs set live = json_array(json_object('attempt', attempt, 'trainer', trainer)) where state = 'running'",
  ),
];

/** What the job of a row needs. */
function needsOf(row: JobRow): Needs {
  const { network, accelerator_memory_mib: acceleratorMemoryMib } = row;
  return { ...routesOf(row), backend: row.backend, network, acceleratorMemoryMib };
}

/** On which queues the job of a row waits. */
export function routesOf({ device, backend, backends, memory_mib }: Pick<JobRow, "device" | "backend" | "backends" | "memory_mib">) {
  const all = backends === "" ? [backend] : (JSON.parse(backends) as string[]);
  return { device: device as Device, backends: all, memoryMib: memory_mib };
}

/** The job of a row. */
export function toRecord(row: JobRow): JobRecord {
  return {
    id: row.id,
    recipeKey: row.recipe_key,
    recipe: row.recipe,
    needs: needsOf(row),
    label: row.label,
    reproduce: row.reproduce === 1,
    state: row.state,
    attempt: row.attempt,
    live: JSON.parse(row.live) as JobRecord["live"],
    failures: row.failures,
    losses: row.losses,
    trainer: row.trainer,
    checkpoint: row.checkpoint,
    checkpointStep: row.checkpoint_step,
    checkpointFormat: row.checkpoint_format,
    checkpointBefore: row.checkpoint_before,
    pinned: row.pinned === 1,
    artifact: row.artifact,
    summary: row.summary,
    error: row.error,
    submittedAtMs: row.submitted_at_ms,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
    cpuMs: row.cpu_ms,
    usage: row.usage,
  };
}

/** The row of a job, without what only the store knows. */
export function toRow(job: JobRecord): Omit<JobRow, "sequence" | "offers" | "offered_at_ms" | "offer_wait_ms"> {
  return {
    id: job.id,
    recipe_key: job.recipeKey,
    recipe: job.recipe,
    device: job.needs.device,
    backend: job.needs.backend,
    backends: job.needs.backends.length > 1 ? JSON.stringify(job.needs.backends) : "",
    memory_mib: job.needs.memoryMib,
    network: job.needs.network,
    accelerator_memory_mib: job.needs.acceleratorMemoryMib,
    label: job.label,
    reproduce: job.reproduce ? 1 : 0,
    state: job.state,
    attempt: job.attempt,
    live: JSON.stringify(job.live),
    failures: job.failures,
    losses: job.losses,
    trainer: job.trainer,
    checkpoint: job.checkpoint,
    checkpoint_step: job.checkpointStep,
    checkpoint_format: job.checkpointFormat,
    checkpoint_before: job.checkpointBefore,
    pinned: job.pinned ? 1 : 0,
    artifact: job.artifact,
    summary: job.summary,
    error: job.error,
    submitted_at_ms: job.submittedAtMs,
    started_at_ms: job.startedAtMs,
    finished_at_ms: job.finishedAtMs,
    cpu_ms: job.cpuMs,
    usage: job.usage,
  };
}

/** The columns of a row that a new state of its job changes. */
export function changesOf(row: JobRow, job: JobRecord): Partial<ReturnType<typeof toRow>> {
  const differs = ([column, value]: [string, unknown]) => value !== row[column as keyof JobRow];
  return Object.fromEntries(Object.entries(toRow(job)).filter(differs));
}

/** The attempt of a row. */
export function toAttempt({
  number,
  trainer,
  began_at_ms,
  ended_at_ms,
  outcome,
  error,
  from_step,
  environment,
  skipped,
}: AttemptRow): AttemptRecord {
  const said = JSON.parse(environment) as AttemptRecord["environment"];
  return {
    number,
    trainer,
    beganAtMs: began_at_ms,
    endedAtMs: ended_at_ms,
    outcome,
    error,
    fromStep: from_step,
    environment: said,
    skipped,
  };
}
