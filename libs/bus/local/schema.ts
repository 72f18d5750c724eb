import { sqlMigration } from "#libs/storage";

/** The tables of a local bus. Times are milliseconds since 1970. */
export type Tables = {
  message: { sequence?: number; id: string; subject: string; payload: Uint8Array; headers: string; at_ms: number };
  published: { id: string; at_ms: number };
  queue: { id?: number; durable: string; subject: string };
  pending: { queue: number; sequence: number; delivery: number; available_at_ms: number; claimed: number };
  dead_letter: {
    number?: number;
    durable: string;
    id: string;
    subject: string;
    payload: Uint8Array;
    headers: string;
    reason: string;
    deliveries: number;
    at_ms: number;
  };
};

/** Their schema, step by step. */
export const migrations = [
  sqlMigration(
    "queues",
    `create table message (sequence integer primary key autoincrement, id text not null, subject text not null,
       payload blob not null, headers text not null, at_ms integer not null) strict`,
    "create index message_subject on message (subject)",
    "create table published (id text primary key, at_ms integer not null) strict, without rowid",
    "create table queue (id integer primary key, durable text not null, subject text not null, unique (durable, subject)) strict",
    `create table pending (queue integer not null references queue (id), sequence integer not null references message (sequence) on delete cascade,
       delivery integer not null, available_at_ms integer not null, claimed integer not null, primary key (queue, sequence)) strict, without rowid`,
    "create index pending_sequence on pending (sequence)",
    `create table dead_letter (number integer primary key autoincrement, durable text not null, id text not null, subject text not null,
       payload blob not null, headers text not null, reason text not null, deliveries integer not null, at_ms integer not null) strict`,
  ),
];
