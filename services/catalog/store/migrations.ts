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
  // Whole numbers, since walks through the lineage follow them by the hundred thousand; and what an input is to what was made of it.
  sqlMigration(
    "roles of inputs",
    "alter table artifact_input rename to artifact_input_by_digest",
    `create table artifact_input (
       artifact integer not null references artifact (sequence) on delete cascade, position integer not null,
       input integer not null references artifact (sequence), role text not null,
       primary key (artifact, position)) strict, without rowid`,
    // The inputs of a recipe are an object of digests and of lists of them; positions count them with the roles in alphabetical order.
    `with recipe (artifact, value) as (
       select sequence, json_extract(cast(manifest as text), '$.annotations."org.ratatouille.recipe"') from artifact),
     input (artifact, role, place, digest) as (
       select recipe.artifact, role.key, 0, role.value from recipe, json_each(recipe.value, '$.inputs') as role where role.type = 'text'
       union all
       select recipe.artifact, role.key, one.key, one.value
       from recipe, json_each(recipe.value, '$.inputs') as role, json_each(role.value) as one where role.type = 'array')
     insert into artifact_input
     select input.artifact, row_number() over (partition by input.artifact order by role, place) - 1, artifact.sequence, role
     from input join artifact on artifact.digest = input.digest`,
    "drop table artifact_input_by_digest",
    "create index artifact_input_by_input on artifact_input (input, artifact)",
  ),
  // What is searched for, made of manifests, configs and results, which hold the truth: `indexed` says by which version of facts.ts.
  sqlMigration(
    "search",
    "alter table artifact add column indexed integer not null default 0",
    "create index artifact_by_indexed on artifact (indexed)",
    "create index artifact_by_kind on artifact (kind, sequence)",
    "create index artifact_by_size on artifact (size_bytes, sequence)",
    `create table artifact_fact (
       field text not null, value text not null, artifact integer not null references artifact (sequence) on delete cascade,
       primary key (field, value, artifact)) strict, without rowid`,
    "create index artifact_fact_by_artifact on artifact_fact (artifact, field, value)",
    // With rowids: without them the integrity check of SQLite 3.40, which Debian has, takes each `real not null` for NULL.
    `create table artifact_metric (
       artifact integer not null references artifact (sequence) on delete cascade, name text not null, value real not null,
       source integer not null references artifact (sequence) on delete cascade,
       primary key (artifact, name, source)) strict`,
    "create index artifact_metric_by_value on artifact_metric (name, value, artifact)",
    "create index artifact_metric_by_source on artifact_metric (source)",
  ),
  sqlMigration(
    "tags and annotations",
    // The row of a tag that was removed stays, so that its name never means another artifact.
    `create table tag (
       name text not null primary key, digest text not null, artifact integer references artifact (sequence), tagged_at integer not null
       ) strict, without rowid`,
    "create index tag_by_artifact on tag (artifact)",
    `create table annotation (
       artifact integer not null references artifact (sequence) on delete cascade, name text not null, value text not null,
       primary key (artifact, name)) strict, without rowid`,
    "create index annotation_by_name on annotation (name, value)",
  ),
  sqlMigration(
    "chunks",
    // Where chunks of blobs lie: a chunk that several blobs have is there several times. Digests are bytes.
    `create table chunk (
       sha256 blob not null, blob blob not null, offset integer not null, size integer not null, primary key (sha256, blob)) strict, without rowid`,
    "create index chunk_by_blob on chunk (blob)",
  ),
  sqlMigration(
    "retention",
    `create table retention_rule (
       name text not null primary key, filter text not null, keep_seconds integer not null, ref_prefix text not null,
       keep_moves integer not null) strict, without rowid`,
  ),
  sqlMigration(
    "walks by role",
    "drop index artifact_input_by_input",
    "create index artifact_input_by_input on artifact_input (input, artifact, role)",
  ),
];
