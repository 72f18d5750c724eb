import type { Transaction } from "kysely";
import type { Batcher, Database } from "#libs/storage";
import { quote } from "#libs/text";
import { exhausted, refuse } from "../errors.ts";
import { compareLayout, type Layout } from "../layout.ts";
import {
  type Announcement,
  type Begun,
  type ContributionRow,
  type Counts,
  checkOpen,
  counted,
  type SessionRow,
  sessionNotFound,
} from "./rows.ts";
import type { ContributionState, SessionTables } from "./tables.ts";

type Tx = Transaction<SessionTables>;

/** What happens to contributions. Every function is one transaction. */
export type ContributionRows = {
  counts(session: string): Promise<Counts>;
  contributions(session: string, ...states: ContributionState[]): Promise<ContributionRow[]>;
  /** What counts or is on its way, in the order of ids, from the one after `after`. */
  listContributions(
    session: string,
    page: { readonly size: number; readonly after: number | undefined },
  ): Promise<{ rows: ContributionRow[]; next: number | undefined }>;
  contributionOf(session: string, contributor: string): Promise<ContributionRow | undefined>;
  /**
   * Begins a contribution, or finds how far it is. Who begins does not wait for the disk: what a loss of power takes is begun again.
   * @throws RpcError CONTRIBUTOR_COUNTED, CONTRIBUTOR_QUOTA, SESSION_OVER
   */
  begin(session: string, announced: Announcement, now: number): Promise<Begun>;
  /** Makes a complete contribution count. @throws RpcError, ContributionError if it does not fit what was committed meanwhile */
  commit(row: ContributionRow, layout: Layout, now: number): Promise<void>;
  /** Forgets a contribution that does not count. */
  drop(id: number): Promise<void>;
  touch(id: number, now: number): Promise<void>;
  markKept(id: number): Promise<void>;
  /** A contribution that is not in the sums is withdrawn. Returns whether it was in that state. @throws RpcError SESSION_OVER */
  withdraw(id: number, now: number): Promise<boolean>;
  /** A contribution that is in the sums no longer counts. @throws RpcError SESSION_OVER */
  withdrawFolded(id: number, now: number): Promise<void>;
  /** Names new sums; `sums` is null where nothing is left in them. */
  fold(
    session: string,
    folded: { readonly generation: number; readonly sums: string | null; readonly ids: readonly number[] },
  ): Promise<void>;
  /** Incomplete contributions that nobody touched since `time`. */
  abandoned(time: number): Promise<ContributionRow[]>;
};

/** @param batch of the same database: contributions that are complete at the same time share a wait for the disk */
export function contributionRows(
  { query, transaction, withoutSync }: Database<SessionTables>,
  batch: Batcher<SessionTables>,
): ContributionRows {
  const set = (tx: Tx, id: number, values: Partial<Omit<ContributionRow, "id">>) =>
    tx.updateTable("contribution").set(values).where("id", "=", id).execute();

  return {
    async counts(session) {
      const rows = await query
        .selectFrom("contribution")
        .select((e) => ["state", e.fn.countAll<number>().as("count"), e.fn.sum<number>("size").as("bytes")])
        .where("session", "=", session)
        .groupBy("state")
        .execute();
      const of = (state: ContributionState) => {
        const row = rows.find((found) => found.state === state);
        return { count: row?.count ?? 0, bytes: row?.bytes ?? 0 };
      };
      return {
        staging: of("staging"),
        committed: of("committed"),
        folded: of("folded"),
        withdrawing: of("withdrawing"),
        withdrawn: of("withdrawn"),
      };
    },

    contributions: (session, ...states) =>
      query.selectFrom("contribution").selectAll().where("session", "=", session).where("state", "in", states).orderBy("id").execute(),

    async listContributions(session, { size, after = 0 }) {
      const rows = await query
        .selectFrom("contribution")
        .selectAll()
        .where("session", "=", session)
        .where("state", "in", ["staging", ...counted])
        .where("id", ">", after)
        .orderBy("id")
        .limit(size + 1)
        .execute();
      const page = rows.slice(0, size);
      return { rows: page, next: rows.length > size ? page.at(-1)?.id : undefined };
    },

    contributionOf: (session, contributor) => current(query, session, contributor),

    begin: (session, { contributor, digest, size, weight, artifact = null }, now) =>
      withoutSync((own) =>
        own.transaction().execute(async (tx): Promise<Begun> => {
          const found = await current(tx, session, contributor);
          const counts = found?.state === "committed" || found?.state === "folded";
          // Who comes again because the answer got lost hears it also while the session is being closed.
          if (counts && found.digest === digest && found.weight === weight) return { existed: true };
          const { max_contributors: most } = await openSession(tx, session, now);
          if (counts) {
            const what = found.digest === digest ? `with the weight ${found.weight}` : found.digest;
            throw refuse("CONTRIBUTOR_COUNTED", `${quote(contributor)} has contributed ${what}; withdraw that first`, {
              field: found.digest === digest ? "header.weight" : "header.digest",
            });
          }
          const same = found?.state === "staging" && found.digest === digest && found.size === size;
          if (same) {
            const row = { ...found, weight, artifact, touched_at: now };
            await set(tx, found.id, { weight, artifact, touched_at: now });
            return { existed: false, row, replaced: [] };
          }
          if (found?.state === "staging" || found?.state === "withdrawn")
            await tx.deleteFrom("contribution").where("id", "=", found.id).execute();
          else if (most !== null) await checkRoom(tx, session, most);
          const row = await tx
            .insertInto("contribution")
            .values({ session, contributor, state: "staging", digest, size, weight, artifact, touched_at: now })
            .returningAll()
            .executeTakeFirstOrThrow();
          return { existed: false, row, replaced: found?.state === "staging" ? [found] : [] };
        }),
      ),

    commit: (row, layout, now) =>
      batch(async (tx) => {
        const session = await openSession(tx, row.session, now);
        const known = session.layout === null ? undefined : (JSON.parse(session.layout) as Layout);
        if (known) compareLayout(known, layout);
        if (!known || known.some(({ same }, i) => same !== layout[i]?.same)) {
          await tx
            .updateTable("session")
            .set({ layout: JSON.stringify(layout) })
            .where("id", "=", row.session)
            .execute();
        }
        const { numUpdatedRows } = await tx
          .updateTable("contribution")
          .set({ state: "committed", touched_at: now })
          .where("id", "=", row.id)
          .where("state", "=", "staging")
          .executeTakeFirstOrThrow();
        if (numUpdatedRows !== 1n) throw refuse("INCOMPLETE", "the contribution was given up meanwhile; try again");
      }),

    async drop(id) {
      await query.deleteFrom("contribution").where("id", "=", id).where("state", "=", "staging").execute();
    },

    async touch(id, now) {
      await withoutSync((own) => own.updateTable("contribution").set({ touched_at: now }).where("id", "=", id).execute());
    },

    async markKept(id) {
      await query.updateTable("contribution").set({ kept: 1 }).where("id", "=", id).execute();
    },

    withdraw: (id, now) =>
      transaction(async (tx) => {
        const row = await tx.selectFrom("contribution").selectAll().where("id", "=", id).executeTakeFirst();
        if (!row || (row.state !== "committed" && row.state !== "staging")) return false;
        await openSession(tx, row.session, now);
        await removeWithdrawn(tx, row);
        await set(tx, id, { state: "withdrawn", touched_at: now });
        await resetIfEmpty(tx, row.session);
        return true;
      }),

    withdrawFolded: (id, now) =>
      transaction(async (tx) => {
        const { session } = await tx.selectFrom("contribution").select("session").where("id", "=", id).executeTakeFirstOrThrow();
        await openSession(tx, session, now);
        await set(tx, id, { state: "withdrawing", touched_at: now });
      }),

    fold: (session, { generation, sums, ids }) =>
      transaction(async (tx) => {
        await tx.updateTable("session").set({ generation, sums }).where("id", "=", session).execute();
        for (const id of ids) {
          const row = await tx.selectFrom("contribution").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
          if (row.state === "committed") await set(tx, id, { state: "folded" });
          else {
            await removeWithdrawn(tx, row);
            await set(tx, id, { state: "withdrawn" });
          }
        }
        await resetIfEmpty(tx, session);
      }),

    abandoned: (time) =>
      query.selectFrom("contribution").selectAll().where("state", "=", "staging").where("touched_at", "<", time).execute(),
  };
}

/** The contribution of a contributor that is there or was last there, but for those that only the sums still know. */
async function current(query: Pick<Tx, "selectFrom">, session: string, contributor: string): Promise<ContributionRow | undefined> {
  return query
    .selectFrom("contribution")
    .selectAll()
    .where("session", "=", session)
    .where("contributor", "=", contributor)
    .orderBy((e) => e.case().when("state", "in", ["staging", "committed", "folded"]).then(0).else(1).end())
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** One withdrawn row is enough to know that there was something. */
async function removeWithdrawn(tx: Tx, { session, contributor, id }: ContributionRow): Promise<void> {
  await tx
    .deleteFrom("contribution")
    .where("session", "=", session)
    .where("contributor", "=", contributor)
    .where("state", "=", "withdrawn")
    .where("id", "<>", id)
    .execute();
}

async function openSession(tx: Tx, id: string, now: number): Promise<SessionRow> {
  const session = await tx.selectFrom("session").selectAll().where("id", "=", id).executeTakeFirst();
  if (!session) throw sessionNotFound(id);
  checkOpen(session, now);
  return session;
}

async function checkRoom(tx: Tx, session: string, most: number): Promise<void> {
  const { count } = await tx
    .selectFrom("contribution")
    .select((e) => e.fn.countAll<number>().as("count"))
    .where("session", "=", session)
    .where("state", "in", ["staging", "committed", "folded"])
    .executeTakeFirstOrThrow();
  if (count >= most) throw exhausted("CONTRIBUTOR_QUOTA", "max_contributors", most, `the session takes ${most} contributors, and has them`);
}

/** With nobody left, the session is as it was opened. */
async function resetIfEmpty(tx: Tx, session: string): Promise<void> {
  const left = await tx
    .selectFrom("contribution")
    .select("id")
    .where("session", "=", session)
    .where("state", "in", ["committed", "folded", "withdrawing"])
    .limit(1)
    .executeTakeFirst();
  if (left) return;
  const { declared } = await tx.selectFrom("session").select("declared").where("id", "=", session).executeTakeFirstOrThrow();
  await tx.updateTable("session").set({ layout: declared, sums: null }).where("id", "=", session).execute();
}
