import { setTimeout as sleep } from "node:timers/promises";
import { type Kysely, sql, type Transaction } from "kysely";
import { createPulse } from "#libs/concurrency";
import { type Database, type Migration, sqlMigration } from "#libs/storage";
import { injectTraceContext } from "./tracing.ts";
import type { Bus, BusMessage } from "./types.ts";

/** The table that a service's database needs for an outbox. */
export type OutboxTables = {
  outbox: { position?: number; id: string; subject: string; payload: Uint8Array; headers: string };
};

/** An event on its way, made by `event()`. */
export type OutboxEntry = BusMessage;

/** Events written in the transaction of the state they tell of, and published after it: at least once, in order, whatever dies. */
export type Outbox<DB extends OutboxTables> = {
  /** Writes an event, with the trace context of the caller. If the transaction rolls back, it never was. */
  add(tx: Transaction<DB>, entry: OutboxEntry): Promise<void>;
  /**
   * Publishes what is written, until the signal aborts. Woken by `add`. While the bus fails it tries again, at most 5 s
   * apart, and keeps the order; `onError` hears of each failure.
   */
  relay(bus: Pick<Bus, "publish">, options: { signal: AbortSignal; onError?: (error: unknown) => void }): Promise<void>;
};

const BATCH = 100;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;

/** The migration that makes the outbox. A service puts it into its list of migrations. */
export const outboxMigration: Migration = sqlMigration(
  "outbox",
  `create table outbox (position integer primary key autoincrement, id text not null, subject text not null,
     payload blob not null, headers text not null) strict`,
);

/** Makes the outbox of a database that has the table `outbox`. One relay at a time may run on it. */
export function createOutbox<DB extends OutboxTables>(database: Database<DB>): Outbox<DB> {
  // The outbox sees its own table only; kysely's types cannot say that DB has it.
  const own = () => database.query as unknown as Kysely<OutboxTables>;
  const remove = (last: number) =>
    database.withoutSync((query) =>
      (query as unknown as Kysely<OutboxTables>).deleteFrom("outbox").where("position", "<=", last).execute(),
    );
  const added = createPulse();

  async function publishAll(bus: Pick<Bus, "publish">, signal: AbortSignal): Promise<void> {
    for (;;) {
      const rows = await own().selectFrom("outbox").selectAll().orderBy("position").limit(BATCH).execute();
      if (rows.length === 0) return;
      let published: number | undefined;
      try {
        for (const row of rows) {
          const { id, subject, payload } = row;
          await bus.publish({ id, subject, payload, headers: JSON.parse(row.headers) as Record<string, string> }, { signal });
          published = row.position;
        }
      } finally {
        // Where this gets lost they are published again, as after any crash.
        if (published !== undefined) await remove(published);
      }
    }
  }

  return {
    async add(tx, entry) {
      const { id, subject, payload } = entry;
      const headers = JSON.stringify(injectTraceContext(entry.headers));
      await sql`insert into outbox (id, subject, payload, headers) values (${id}, ${subject}, ${payload}, ${headers})`.execute(tx);
      // Before the commit; the relay's query waits for the end of the transaction.
      added.beat();
    },
    async relay(bus, { signal, onError }) {
      let retryMs = FIRST_RETRY_MS;
      while (!signal.aborted) {
        const seen = added.version;
        try {
          await publishAll(bus, signal);
          retryMs = FIRST_RETRY_MS;
          await added.changed(seen, signal);
        } catch (error) {
          if (signal.aborted) return;
          onError?.(error);
          await sleep(retryMs, undefined, { signal }).catch(() => undefined);
          retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs);
        }
      }
    },
  };
}
