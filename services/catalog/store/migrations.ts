import { outboxMigration } from "#libs/bus";
import { type Migration, sqlMigration } from "#libs/storage";

/** The catalog's schema, step by step. */
export const migrations: readonly Migration[] = [
  outboxMigration,
  sqlMigration(
    "artifacts",
    `create table artifact (
       sequence integer primary key autoincrement, digest text not null unique, kind text not null, manifest blob not null,
       recipe_key text not null, size_bytes integer not null, damaged integer not null default 0, touched_at integer not null) strict`,
    // One artifact per recipe, unless what was there is damaged.
    "create unique index artifact_by_recipe on artifact (recipe_key) where damaged = 0",
    `create table artifact_blob (
       artifact text not null references artifact (digest) on delete cascade, blob text not null, size integer not null,
       primary key (artifact, blob)) strict, without rowid`,
    "create index artifact_blob_by_blob on artifact_blob (blob)",
    `create table artifact_input (
       artifact text not null references artifact (digest) on delete cascade, position integer not null,
       input text not null references artifact (digest), primary key (artifact, position)) strict, without rowid`,
    "create index artifact_input_by_input on artifact_input (input)",
  ),
  sqlMigration(
    "refs and pins",
    "create table ref (name text not null primary key, digest text references artifact (digest)) strict, without rowid",
    "create index ref_by_digest on ref (digest)",
    `create table ref_move (
       sequence integer primary key autoincrement, name text not null references ref (name), digest text, reason text not null,
       moved_at integer not null) strict`,
    "create index ref_move_by_name on ref_move (name, sequence)",
    `create table pin (
       holder text not null, digest text not null references artifact (digest), primary key (holder, digest)) strict, without rowid`,
    "create index pin_by_digest on pin (digest)",
  ),
  sqlMigration(
    "pins of blobs",
    "create table blob_pin (holder text not null, digest text not null, primary key (holder, digest)) strict, without rowid",
    "create index blob_pin_by_digest on blob_pin (digest)",
  ),
  sqlMigration("stale artifacts", "alter table artifact add column stale integer not null default 0"),
];
