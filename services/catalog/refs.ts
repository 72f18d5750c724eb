import { event, type Outbox } from "#libs/bus";
import type { Digest } from "#libs/recipes";
import { refMoved } from "#libs/topics";
import { firstMissing, fitReply, type Page } from "./artifacts.ts";
import { CatalogError, invalidField } from "./errors.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** A mutable name. */
export type RefRecord = {
  readonly name: string;
  /** Undefined once it is deleted. */
  readonly digest: Digest | undefined;
  /** All moves, newest first, the last 100 of them: where it pointed before each, and why it moved. Times in ms since 1970. */
  readonly history: readonly { readonly digest: Digest | undefined; readonly reason: string; readonly movedAt: number }[];
};

/** The refs: the only mutable thing about models. */
export type Refs = {
  /** Moves a ref that still points to `from` (undefined: does not exist). CatalogError REF_MOVED, ARTIFACT_NOT_FOUND, ARTIFACT_DAMAGED. */
  move(request: { name: string; from: Digest | undefined; to: Digest | undefined; reason: string }): Promise<RefRecord>;
  /** In the order of names, from the one after `after`. Deleted ones are among them: their history remains. */
  list(options: { prefix: string; size: number; after?: string | undefined }): Promise<Page<RefRecord, string>>;
};

const MAX_HISTORY = 100;

/** Keeps refs in the database. */
export function createRefs({
  database,
  outbox,
  now,
}: {
  database: CatalogDatabase;
  outbox: Outbox<CatalogTables>;
  now: () => number;
}): Refs {
  const { query } = database;

  async function withHistory({ name, digest }: { name: string; digest: string | null }): Promise<RefRecord> {
    const moves = await query
      .selectFrom("ref_move")
      .selectAll()
      .where("name", "=", name)
      .orderBy("sequence", "desc")
      .limit(MAX_HISTORY)
      .execute();
    return {
      name,
      digest: (digest ?? undefined) as Digest | undefined,
      history: moves.map((move) => ({
        digest: (move.digest ?? undefined) as Digest | undefined,
        reason: move.reason,
        movedAt: move.moved_at,
      })),
    };
  }

  return {
    async move({ name, from, to, reason }) {
      if (from === undefined && to === undefined)
        throw invalidField("to", "expected a digest: a ref that does not exist cannot be deleted");
      await database.transaction(async (tx) => {
        const row = await tx.selectFrom("ref").select("digest").where("name", "=", name).executeTakeFirst();
        const current = row?.digest ?? undefined;
        if (current !== from) {
          const where = current === undefined ? "does not exist" : `points to ${current}`;
          throw new CatalogError("REF_MOVED", `the ref ${name} ${where}, not ${from ?? "missing"} as the caller believes`, {
            facts: { ref: name, current: current ?? "" },
          });
        }
        if (to !== undefined) {
          if (await firstMissing(tx, [to])) throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${to}`, { facts: { digest: to } });
          const { damaged } = await tx.selectFrom("artifact").select("damaged").where("digest", "=", to).executeTakeFirstOrThrow();
          if (damaged !== 0)
            throw new CatalogError("ARTIFACT_DAMAGED", `artifact ${to} is damaged; run its recipe again`, { facts: { digest: to } });
        }
        const digest = to ?? null;
        await tx
          .insertInto("ref")
          .values({ name, digest })
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ digest }))
          .execute();
        const { sequence } = await tx
          .insertInto("ref_move")
          .values({ name, digest: from ?? null, reason, moved_at: now() })
          .returning("sequence")
          .executeTakeFirstOrThrow();
        await outbox.add(tx, event(refMoved, `${name}/move/${sequence}`, { name, digest: to ?? "" }));
      });
      return withHistory(await query.selectFrom("ref").selectAll().where("name", "=", name).executeTakeFirstOrThrow());
    },

    async list({ prefix, size, after }) {
      let select = query
        .selectFrom("ref")
        .selectAll()
        .orderBy("name")
        .limit(size + 1);
      if (after !== undefined) select = select.where("name", ">", after);
      // Refs are named in ASCII, so everything with the prefix lies before the prefix and this.
      if (prefix !== "") select = select.where("name", ">=", prefix).where("name", "<", `${prefix}\u{10ffff}`);
      const refs: RefRecord[] = [];
      const rows = await select.execute();
      for (const row of rows) refs.push(await withHistory(row));
      const { items, more } = fitReply(refs, size, ({ history }) =>
        history.reduce((sum, { reason }) => sum + 100 + 4 * reason.length, 300),
      );
      return { items, next: more ? items.at(-1)?.name : undefined };
    },
  };
}
