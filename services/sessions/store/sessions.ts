import type { Database } from "#libs/storage";
import { exhausted } from "../errors.ts";
import type { SessionRow } from "./rows.ts";
import type { SessionState, SessionTables } from "./tables.ts";

/** What happens to sessions. Every function is one transaction. */
export type SessionRows = {
  open(session: Omit<SessionRow, "sequence" | "state" | "over_at" | "generation" | "sums" | "artifact">, most: number): Promise<void>;
  find(id: string): Promise<SessionRow | undefined>;
  /** Newest first, after the one with the number `before`. */
  list(options: { readonly size: number; readonly before: number | undefined }): Promise<{ rows: SessionRow[]; next: number | undefined }>;
  all(state: SessionState): Promise<SessionRow[]>;
  setArtifact(session: string, artifact: string): Promise<void>;
  /** From now on nothing begins, counts or goes any more. Returns whether the session was not over. */
  startClosing(id: string): Promise<boolean>;
  /** Takes contributions again; all sessions that were being closed unless one is named. */
  reopen(id?: string): Promise<void>;
  /** Ends a session; its contributions are forgotten. One that is being closed does not expire. Returns whether this ended it. */
  end(session: string, state: "closed" | "expired", now: number): Promise<boolean>;
  /** Forgets sessions that were over before `time`. */
  forget(time: number): Promise<void>;
};

export function sessionRows({ query, transaction }: Database<SessionTables>): SessionRows {
  return {
    async open(session, most) {
      await transaction(async (tx) => {
        const { open } = await tx
          .selectFrom("session")
          .select((e) => e.fn.countAll<number>().as("open"))
          .where("state", "in", ["open", "closing"])
          .executeTakeFirstOrThrow();
        if (open >= most)
          throw exhausted("SESSION_QUOTA", "sessions", most, `${most} sessions are open, which is the limit of this server`);
        await tx
          .insertInto("session")
          .values({ ...session, state: "open" })
          .execute();
      });
    },

    find: (id) => query.selectFrom("session").selectAll().where("id", "=", id).executeTakeFirst(),

    async list({ size, before }) {
      let select = query.selectFrom("session").selectAll().orderBy("sequence", "desc");
      if (before !== undefined) select = select.where("sequence", "<", before);
      const rows = await select.limit(size + 1).execute();
      return { rows: rows.slice(0, size), next: rows.length > size ? rows[size - 1]!.sequence : undefined };
    },

    all: (state) => query.selectFrom("session").selectAll().where("state", "=", state).execute(),

    async setArtifact(session, artifact) {
      await query.updateTable("session").set({ artifact }).where("id", "=", session).execute();
    },

    async startClosing(id) {
      const { numUpdatedRows } = await query
        .updateTable("session")
        .set({ state: "closing" })
        .where("id", "=", id)
        .where("state", "in", ["open", "closing"])
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async reopen(id) {
      const update = query.updateTable("session").set({ state: "open" }).where("state", "=", "closing");
      await (id === undefined ? update : update.where("id", "=", id)).execute();
    },

    end: (session, state, now) =>
      transaction(async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable("session")
          .set({ state, over_at: now, sums: null, layout: null, declared: null })
          .where("id", "=", session)
          .where("state", "in", state === "closed" ? ["open", "closing"] : ["open"])
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await tx.deleteFrom("contribution").where("session", "=", session).execute();
        return true;
      }),

    async forget(time) {
      await query.deleteFrom("session").where("state", "<>", "open").where("over_at", "<", time).execute();
    },
  };
}
