import { type Migration, sqlMigration } from "#libs/storage";

/** The schema of sessions, step by step. */
export const migrations: readonly Migration[] = [
  sqlMigration(
    "sessions",
    `create table session (
       sequence integer primary key autoincrement, id text not null unique, secret_hash blob not null, state text not null,
       method text not null, dtype text not null, weights text, declared text, layout text, architecture text not null,
       licence text not null, keep integer not null, max_contribution_bytes integer, max_contributors integer,
       opened_at integer not null, expires_at integer not null, over_at integer, generation integer not null default 0,
       sums text, artifact text) strict`,
    "create index session_by_state on session (state, expires_at)",
    `create table contribution (
       id integer primary key autoincrement, session text not null references session (id) on delete cascade,
       contributor text not null, state text not null, digest text not null, size integer not null, weight real not null,
       artifact text, kept integer not null default 0, touched_at integer not null) strict`,
    // A contributor may come again after a withdrawal, while the sums still wait to be relieved of the first.
    `create unique index contribution_by_contributor on contribution (session, contributor)
       where state in ('staging', 'committed', 'folded')`,
    "create index contribution_by_state on contribution (session, state)",
  ),
];
