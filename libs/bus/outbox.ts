import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely, Transaction } from "kysely";
import { createPulse } from "#libs/concurrency";
import { type Database, type Migration, sqlMigration } from "#libs/storage";
import { BusRefusedError } from "./errors.ts";
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
   * apart, and keeps the order. An event that the bus refuses is set aside, so that the others go on; it stays in the table, and the next
   * life of the program tries it once more.
   */
  relay(bus: Pick<Bus, "publish">, options: RelayOptions): Promise<void>;
  /** Rejects with the reason while there is an event that the bus refuses. */
  check(): Promise<void>;
};

/** How a relay is stopped, and who hears of what. */
export type RelayOptions = {
  readonly signal: AbortSignal;
  /** Hears of each failure of the bus. */
  readonly onError?: (error: unknown) => void;
  /** Hears of each event that is set aside. */
  readonly onRefused?: (id: string, error: BusRefusedError) => void;
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

/**
 * Makes the outbox of a database that has the table `outbox`. One relay at a time may run on it.
 * @example
 * ```ts
 * import { StringValueSchema } from "@bufbuild/protobuf/wkt";
 * import { openDatabase } from "#libs/storage";
 * const said = topic("ratatouille.v1.word.said", StringValueSchema);
 * await using bus = await openLocalBus({ path: ":memory:" });
 * await using database = await openDatabase<OutboxTables>({ path: ":memory:", migrations: [outboxMigration] });
 * const outbox = createOutbox(database);
 * await database.transaction((tx) => outbox.add(tx, event(said, "word-1/said", { value: "hi" })));
 * const stop = new AbortController();
 * const relaying = outbox.relay(bus, { signal: stop.signal });
 * for await (const { id } of bus.watch({ subjects: [said.subject], sinceMs: 0, signal: stop.signal })) {
 *   stop.abort(id);
 *   break;
 * }
 * await relaying;
 * stop.signal.reason; // "word-1/said"
 * ```
 */
export function createOutbox<DB extends OutboxTables>(database: Database<DB>): Outbox<DB> {
  // Kysely's types cannot say that DB has the table of the outbox.
  const withOutbox = (query: unknown) => query as Kysely<OutboxTables>;
  const remove = (positions: readonly number[]) =>
    database.withoutSync((query) => withOutbox(query).deleteFrom("outbox").where("position", "in", positions).execute());
  const added = createPulse();
  /** Up to here all is published or refused. Positions are given in the order of the commits. */
  let reached = 0;
  const refused = new Map<number, { readonly id: string; readonly error: BusRefusedError }>();

  async function publishAll(bus: Pick<Bus, "publish">, { signal, onRefused }: RelayOptions): Promise<void> {
    for (;;) {
      const unpublished = withOutbox(database.query).selectFrom("outbox").selectAll().where("position", ">", reached);
      const rows = await unpublished.orderBy("position").limit(BATCH).execute();
      if (rows.length === 0) return;
      const published: number[] = [];
      let last = reached;
      try {
        for (const row of rows) {
          const position = row.position ?? 0;
          const { id, subject, payload } = row;
          const headers = JSON.parse(row.headers) as Record<string, string>;
          try {
            await bus.publish({ id, subject, payload, headers }, { signal });
            published.push(position);
          } catch (error) {
            if (!(error instanceof BusRefusedError)) throw error;
            refused.set(position, { id, error });
            onRefused?.(id, error);
          }
          last = position;
        }
      } finally {
        // Where this gets lost they are published again, as after any crash.
        if (published.length > 0) await remove(published);
        reached = last;
      }
      // What was written since has woken the relay.
      if (rows.length < BATCH) return;
    }
  }

  return {
    async add(tx, entry) {
      const { id, subject, payload } = entry;
      const headers = JSON.stringify(injectTraceContext(entry.headers));
      await withOutbox(tx).insertInto("outbox").values({ id, subject, payload, headers }).execute();
      // Before the commit; the relay's query waits for the end of the transaction.
      added.beat();
    },
    async relay(bus, options) {
      const { signal, onError } = options;
      let retryMs = FIRST_RETRY_MS;
      while (!signal.aborted) {
        const seen = added.version;
        try {
          await publishAll(bus, options);
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
    async check() {
      const [first] = refused.values();
      if (!first) return;
      const others = refused.size === 1 ? "" : ` (and ${refused.size - 1} more)`;
      throw new Error(`an event cannot be published${others}: ${first.error.message}`);
    },
  };
}
